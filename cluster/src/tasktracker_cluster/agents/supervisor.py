"""The agents' configuration, and the supervisor that restarts the agents and their pages' proxy.

systemd is not needed.
"""

import json
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any
from xmlrpc.client import Fault, ServerProxy  # nosec B411 - our own supervisor, by its own socket

from supervisor.xmlrpc import Faults, SupervisorTransport

from tasktracker_cluster.agents import (
    backups_program,
    certificates,
    credentials,
    membership_program,
    mesh_figures,
    pages,
)
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.errors import NotReadyError, NotRootError
from tasktracker_cluster.machine import files, network, shell, wait
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site

AGENTS = ("consul", "nomad")
PROGRAMS = (*AGENTS, pages.NAME, membership_program.NAME)
LOGGED = (
    *PROGRAMS,
    backups_program.NAME,
    "supervisord",
)  # each has a log of its own, with its name

_INCLUDE = """
; Programs that do not run everywhere.
[include]
files = {files}
"""

# Tasks inherit the environment of the agents: it must contain nothing of the operator's.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

LIMIT_SECONDS = 180  # a start takes long on a busy machine
CRASH_LOOP_SECONDS = 5  # an agent that does not run after this time never will


@dataclass(frozen=True)
class Process:
    """The supervisor's state of an agent, or of the proxy before the pages."""

    name: str
    state: str  # RUNNING, STARTING, BACKOFF, FATAL, STOPPED, ...
    pid: int  # 0 unless running


def render(site: Site, tokens: Tokens, node: Node | None = None) -> dict[str, bool]:
    """Write the configuration of the agents and of the supervisor, for `node` or as it is now.

    Returns for each of the agents and the pages' proxy whether its configuration changed.
    """
    node = node or site.node
    values = _values(site, tokens, node)
    commands = render_own(site, node)
    changed = {pages.NAME: commands}
    for agent in AGENTS:
        changed[agent] = _render_agent(site, node, agent, values) or commands
    return changed


def config_files(node: Node, agent: str) -> list[str]:
    """Return the configuration files of an agent, in the checkout. Some are templates."""
    return [
        "base.hcl",
        *(["server.hcl"] if node.is_server else []),
        *(["client.hcl"] if agent == "nomad" else []),
        "cluster.hcl.tmpl" if node.is_advertised else "single.hcl",
        *(["first.hcl.tmpl"] if node.is_first else []),
        "node.hcl.tmpl",
    ]


def _values(site: Site, tokens: Tokens, node: Node) -> dict[str, str]:
    roles = certificates.of_agents(node.is_server)
    interface = network.interface_of(node.address) if node.is_advertised else ""
    return {
        "home": str(site.home),
        "bind": site.bind,
        "names": pages.further_names(site).replace("\\", "\\\\"),
        "node_name": node.name,
        "address": node.address,
        "reached": node.address or network.NODE_ADDRESS.partition("/")[0],
        "interface": interface,
        "peers": ", ".join(map(json.dumps, node.peers)),  # quoted as HCL quotes
        **{f"{name}_token": value for name, value in asdict(tokens).items()},
        **{f"{agent}_gossip_key": credentials.gossip_key(site, agent) for agent in AGENTS},
        # With it a new certificate changes the file, so that the agent is restarted.
        **{f"{r.name}_fingerprint": certificates.identity(site, r).fingerprint for r in roles},
    }


def render_own(site: Site, node: Node | None = None) -> bool:
    """Write the supervisor's own configuration, and return whether it changed."""
    conf = resources.files(__package__).joinpath("supervisord.conf.tmpl").read_text()
    values = {"home": str(site.home), "others": _include(site, node or site.node)}
    return files.write(site.agent / "supervisord.conf", Template(conf).substitute(values))


def programs(site: Site) -> tuple[str, ...]:
    """Return the names of the supervisor's programs."""
    return (*AGENTS, pages.NAME, *_others(site, site.node))


def _others(site: Site, node: Node) -> dict[str, Path]:
    """Return the programs that do not run everywhere, each with the file of its configuration."""
    found = {}
    if node.is_advertised:
        found[membership_program.NAME] = membership_program.file(site)
    if backups_program.is_on(site):
        found[backups_program.NAME] = backups_program.file(site)
    return found


def _include(site: Site, node: Node) -> str:
    names = " ".join(map(str, _others(site, node).values()))
    return _INCLUDE.format(files=names) if names else ""


def _render_agent(site: Site, node: Node, agent: str, values: dict[str, str]) -> bool:
    source, target = site.checkout / agent / "agent", site.agent / agent
    target.mkdir(exist_ok=True, mode=0o700)
    names = [*config_files(node, agent), *mesh_figures.files_of(site, agent)]
    writes = []
    for name in names:
        text = (source / name).read_text()
        if name.endswith(".tmpl"):
            text = Template(text).substitute(values)
        mode = 0o600 if name.endswith(".tmpl") else 0o644
        writes.append(files.write(target / name.removesuffix(".tmpl"), text, mode))
    # An agent reads every file of the folder.
    others = {file.name for file in target.glob("*.hcl")} - {n.removesuffix(".tmpl") for n in names}
    for name in others:
        (target / name).unlink()
    return any(writes) or bool(others)


def start(site: Site) -> None:
    """Start the supervisor, which starts Consul. Do nothing if it runs."""
    if is_running(site):
        return
    (site.run / "supervisor.sock").unlink(missing_ok=True)
    supervisord, conf = site.release / "bin" / "supervisord", site.agent / "supervisord.conf"
    with (site.logs / "supervisord.err").open("ab") as errors:
        subprocess.run(
            # setsid: Ctrl-C ends `up`, not the agents. tini: it reaps the orphaned processes of a
            # killed Nomad, because this machine's PID 1 may do so late, or never.
            ["setsid", "--fork", "tini", "-s", "--", supervisord, "--nodaemon", "-c", conf],
            cwd=site.home,
            # Nomad calls `consul connect envoy`.
            env={"PATH": f"{site.bin}:{SYSTEM_PATH}", "LANG": "C.UTF-8"},
            umask=0o022,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            check=True,
        )
    wait.until("the supervisor's socket", lambda: is_running(site), LIMIT_SECONDS)


def ensure(site: Site, program: str, changed: bool) -> None:
    """Make the program run with its present configuration; restart it if that has `changed`."""
    known = [process.name for process in processes(site)]
    # The supervisor of an earlier version may not know this program.
    if changed or program not in known:
        halt(site, program)
        # The command of the program may have changed, too.
        call(site, "reloadConfig")
        with suppress(Fault):  # the program was not known
            call(site, "removeProcessGroup", program)
        call(site, "addProcessGroup", program)
    state = next(process.state for process in processes(site) if process.name == program)
    if state not in ("STARTING", "RUNNING"):
        try:
            call(site, "startProcess", program, False)
        except Fault as fault:  # the supervisor may have restarted it in the meantime
            if fault.faultCode != Faults.ALREADY_STARTED:
                raise


def begin_to_halt(site: Site, program: str) -> None:
    """Tell a program to stop, without waiting for it."""
    with suppress(Fault):  # it was not running
        call(site, "stopProcess", program, False)


def halt(site: Site, program: str) -> None:
    """Stop a program until `ensure` starts it."""
    with suppress(Fault):  # it was not running, or was told to stop already
        call(site, "stopProcess", program)
    wait.until(f"the end of {program}", lambda: not _is_stopping(site, program), LIMIT_SECONDS)


def _is_stopping(site: Site, program: str) -> bool:
    return any((p.name, p.state) == (program, "STOPPING") for p in processes(site))


def stop(site: Site) -> None:
    """Stop the agents, then the supervisor. Raises NotReadyError when it does not end."""
    if is_running(site):
        call(site, "shutdown")
        wait.until("the end of the supervisor", lambda: not is_running(site), LIMIT_SECONDS)


def is_running(site: Site) -> bool:
    """Return whether a supervisor listens on this site's socket.

    Raises NotRootError when this user may not connect.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(site.run / "supervisor.sock"))
        except PermissionError as error:
            raise NotRootError(
                "Only root may call the agents' supervisor.", "Run the command with sudo."
            ) from error
        except OSError:
            return False
    return True


def must_run(site: Site, hint: str = "Start it with: ./just up") -> None:
    """Raise NotReadyError when no supervisor listens on this site's socket."""
    if not is_running(site):
        raise NotReadyError("There is no running cluster.", hint)


def processes(site: Site) -> list[Process]:
    """Return the state of the agents and the proxy, empty when no supervisor runs."""
    if not is_running(site):
        return []
    return [Process(p["name"], p["statename"], p["pid"]) for p in call(site, "getAllProcessInfo")]


def wait_for(site: Site, program: str, ready: Callable[[], bool]) -> None:
    """Wait until a program is ready.

    Raises NotReadyError with the end of its log: after the limit, or early when the program
    crashes again and again.
    """
    deadline = time.monotonic() + CRASH_LOOP_SECONDS

    def probe() -> bool:
        known = {each.name: each.state for each in processes(site)}  # empty without a supervisor
        if known.get(program) in ("RUNNING", "STARTING") or time.monotonic() < deadline:
            return ready()
        raise NotReadyError(f"The {program} agent does not stay up.")

    try:
        wait.until(f"a response of {program}", probe, LIMIT_SECONDS)
    except NotReadyError as error:
        log, stderr = site.logs / f"{program}.log", site.logs / f"{program}.err"
        evidence = [*shell.tail(log), *shell.tail(stderr)]
        raise NotReadyError(error.message, f"Read {log}.", evidence) from error


def call(site: Site, method: str, *arguments: object) -> Any:
    """Call a method of the supervisor's XML-RPC interface. Raises Fault when it refuses."""
    transport = SupervisorTransport(None, None, f"unix://{site.run / 'supervisor.sock'}")
    with ServerProxy("http://supervisor", transport=transport) as server:
        return getattr(server.supervisor, method)(*arguments)
