"""One session, from its first check to Ctrl-C."""

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

LIMIT_SECONDS = 60
# The gateway's port is the same on purpose: what works with one works with the other.
PORT_HINT = "./just up uses some of the same ports. Stop it with: ./just down"


def site() -> Site:
    """The session's state: a folder of the user's own, which stays from one to the next."""
    return Site(home=_home().absolute(), checkout=Site.from_environment().checkout)


def _home() -> Path:
    if state := os.environ.get("XDG_STATE_HOME"):
        return Path(state) / "tasktracker" / "dev"
    if os.geteuid() == 0:  # its home is closed to the user postgres, as whom PostgreSQL then runs
        return Path("/var/lib/tasktracker-dev")
    return Path.home() / ".local" / "state" / "tasktracker" / "dev"


@contextmanager
def running(site: Site, steps: Steps) -> Iterator["subprocess.Popen[bytes]"]:
    """Start everything; the block gets the supervisor, once every service is healthy.

    Afterwards no process is left; the data stay.
    """
    with _alone(site):
        supervisor.stop(site)  # what an earlier session was killed before ending
        for port, purpose in _ports():
            preflight.must_be_free("127.0.0.1", port, purpose, PORT_HINT)
        consul = _prepare(site, steps)
        with _terminal() as output:
            process = supervision.start(site, consul, output)
            try:
                with steps.step("services"):
                    _wait(site, process)
                yield process
            finally:
                process.terminate()
                process.wait()


def serve(site: Site, process: "subprocess.Popen[bytes]", steps: Steps) -> None:
    """Reload what changes until Ctrl-C (KeyboardInterrupt).

    Raises NotReadyError when the supervisor ends.
    """
    for names in reload.changes(site):
        if process.poll() is not None:
            raise _ended(site)
        if names:
            with steps.step(f"reload {', '.join(names)}"):
                supervision.restart(site, names)


def _ports() -> Iterator[tuple[int, str]]:
    """Yield each port that a session listens on, on loopback, and what listens there."""
    yield from ((port.number, port.purpose) for port in PORTS if port.in_dev)
    yield from ((service.port, service.name) for service in SERVICES)
    yield from ((database.dev_port, database.name) for database in DATABASES)


@contextmanager
def _terminal() -> Iterator[IO[bytes]]:
    """A way to our standard output that can be opened by name, as the supervisor does.

    Standard output itself cannot where it is another user's terminal (sudo) or a socket.
    """
    command = ["cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as cat:
        assert cat.stdin is not None  # noqa: S101 - narrows the type
        yield cat.stdin


@contextmanager
def _alone(site: Site) -> Iterator[None]:
    try:
        with ownership.alone(site):
            yield
    except BusyError as error:
        raise BusyError(
            "./just dev runs already.", "Stop it in its terminal with Ctrl-C."
        ) from error


def _prepare(site: Site, steps: Steps) -> Path:
    # Not private as a whole for root: PostgreSQL has to pass through it, to folders of its own.
    site.home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for folder in (site.agent, site.run, site.logs):
        folder.mkdir(mode=0o700, exist_ok=True)
    # Consul knows only what runs, and that enters itself.
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

    wait.until("every service healthy at the gateway", healthy, LIMIT_SECONDS)


def _ended(site: Site) -> NotReadyError:
    log = site.logs / "supervisord.log"
    return NotReadyError("The supervisor ended.", f"Read {log}.", shell.tail(log))
