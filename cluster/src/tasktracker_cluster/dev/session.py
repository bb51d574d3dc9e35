"""A development session, from its first check to Ctrl-C."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tasktracker_cluster.agents import ownership, supervisor
from tasktracker_cluster.dev import databases, environment, reload, supervision
from tasktracker_cluster.errors import BusyError, NotReadyError
from tasktracker_cluster.jobs import gateway
from tasktracker_cluster.machine import preflight, shell, tools, wait
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES, PORTS, SERVICES

# `up` and `dev` use the same port for the gateway on purpose: clients work with both.
PORT_HINT = "./just up uses some of the same ports. Stop it with: ./just down"


def site() -> Site:
    """Return the session's site. Its state folder belongs to the user and outlives the session."""
    return Site(home=_home().absolute(), checkout=Site.from_environment().checkout)


def _home() -> Path:
    if state := os.environ.get("XDG_STATE_HOME"):
        return Path(state) / "tasktracker" / "dev"
    if os.geteuid() == 0:  # PostgreSQL then runs as postgres, which cannot read root's home
        return Path("/var/lib/tasktracker-dev")
    return Path.home() / ".local" / "state" / "tasktracker" / "dev"


@contextmanager
def running(site: Site, steps: Steps) -> Iterator["subprocess.Popen[bytes]"]:
    """Start everything, and give the supervisor's process when every service is healthy.

    At the end all processes are stopped. The data stay. Raises BusyError when a session runs
    already, PortTakenError, MissingProgramError, and NotReadyError when a service does not start.
    """
    with _locked(site):
        supervisor.stop(site)  # an earlier session that was killed leaves its supervisor
        for port, purpose in ports():
            preflight.must_be_free("127.0.0.1", port, purpose, PORT_HINT)
        consul = _prepare(site, steps)
        with _terminal() as output:
            process = supervision.start(site, consul, output)
            try:
                with steps.step("services", alone=False):
                    _wait(site, process)
                yield process
            finally:
                process.terminate()
                process.wait()


def serve(site: Site, process: "subprocess.Popen[bytes]", steps: Steps) -> None:
    """Restart programs when their sources change, until Ctrl-C (KeyboardInterrupt).

    Raises NotReadyError when the supervisor ends.
    """
    for names in reload.changes(site):
        if process.poll() is not None:
            raise _ended(site)
        if names:
            with steps.step(f"reload {', '.join(names)}", alone=False):
                supervision.restart(site, names)


def ports() -> Iterator[tuple[int, str]]:
    """Yield each port of a session, all on loopback, and its purpose."""
    yield from ((port.number, port.purpose) for port in PORTS if port.in_dev)
    yield from ((service.port, service.name) for service in SERVICES)
    yield from ((database.dev_port, database.name) for database in DATABASES)


@contextmanager
def _terminal() -> Iterator[IO[bytes]]:
    """Give a pipe to our standard output that the supervisor can open by name.

    It cannot open standard output itself if that is another user's terminal (sudo) or a socket.
    """
    command = ["cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as cat:
        assert cat.stdin is not None  # noqa: S101 - narrows the type
        yield cat.stdin


@contextmanager
def _locked(site: Site) -> Iterator[None]:
    try:
        with ownership.locked(site):
            yield
    except BusyError as error:
        raise BusyError(
            "./just dev runs already.", "Stop it in its terminal with Ctrl-C."
        ) from error


def _prepare(site: Site, steps: Steps) -> Path:
    # For root the folder is not private: PostgreSQL, as postgres, must reach its folders in it.
    site.home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for folder in (site.agent, site.run, site.logs):
        folder.mkdir(mode=0o700, exist_ok=True)
    # Consul needs no earlier state: each running service registers itself.
    shutil.rmtree(site.home / "consul", ignore_errors=True)
    with steps.step("Consul") as step:
        consul = tools.find(site.checkout, tools.CONSUL, step)
    with steps.step("databases"):
        databases.prepare(site)
    environment.write(site)
    return consul


def _wait(site: Site, process: "subprocess.Popen[bytes]") -> None:
    def healthy() -> bool:
        if process.poll() is not None:
            raise _ended(site)
        return gateway.answers()

    wait.until(gateway.WHAT, healthy, gateway.HEALTHY_SECONDS)


def _ended(site: Site) -> NotReadyError:
    log = site.logs / "supervisord.log"
    return NotReadyError("The supervisor ended.", f"Read {log}.", shell.tail(log))
