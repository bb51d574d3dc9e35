"""The processes of a session, and the configuration of their supervisor."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xmlrpc.client import Fault  # nosec B411 - our own supervisor, by its own socket

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.dev import databases, environment
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES, SERVICES

_SUPERVISOR = """\
[supervisord]
nodaemon = true
silent = true
pidfile = {run}/supervisord.pid
logfile = {logs}/supervisord.log
directory = {checkout}

[unix_http_server]
file = {run}/supervisor.sock
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM = """
[program:{name}]
command = {command}
stopsignal = {stop_signal}
stopwaitsecs = 60
autorestart = {autorestart}
startsecs = {autorestart:d}
startretries = 1000
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = 0
"""
_GROUP = """
[group:{name}]
programs = {programs}
priority = {priority}
"""
# Groups start in this order and stop in reverse. The programs of a group stop at the same time.
GROUPS = ("storage", "services", "gateway")
# For Consul and Traefik: SIGTERM does not end them while they start, and they have no data to save.
_KILL = "KILL"


@dataclass(frozen=True)
class Program:
    """A program of the supervisor.

    `group` is one of GROUPS. `in_terminal`: its output goes to the terminal, else to a file.
    `autorestart`: it is restarted when it ends.
    """

    name: str
    command: Sequence[str | Path]
    group: str
    stop_signal: str = "TERM"
    in_terminal: bool = False
    autorestart: bool = True


def start(site: Site, consul: Path, output: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start everything under a supervisor. It ends when this thread ends, even if that is killed.

    `output` gets the output of our programs.
    """
    conf = site.agent / "supervisord.conf"
    files.write(conf, render(site, consul))
    supervisord = Path(sys.executable).with_name("supervisord")
    return subprocess.Popen(
        _ending_with_parent([supervisord, "-c", conf], "TERM"),
        stdin=subprocess.DEVNULL,
        stdout=output,
        env=os.environ | ({"FORCE_COLOR": "1"} if sys.stdout.isatty() else {}),
        start_new_session=True,  # Ctrl-C reaches only this process, which stops all in order
    )


def restart(site: Site, names: Sequence[str]) -> None:
    """Stop programs of ours and start them again, in this order."""
    for name in names:
        with suppress(Fault):  # the program did not run
            supervisor.call(site, "stopProcess", f"services:{name}")
        supervisor.call(site, "startProcess", f"services:{name}", False)


def render(site: Site, consul: Path) -> str:
    """Return the supervisor's configuration for the session."""
    folders = {"run": site.run, "logs": site.logs, "checkout": site.checkout}
    text = _SUPERVISOR.format_map({name: _escaped(str(path)) for name, path in folders.items()})
    all_programs = list(_programs(site, consul))
    for priority, group in enumerate(GROUPS):
        names = ",".join(program.name for program in all_programs if program.group == group)
        text += _GROUP.format(name=group, programs=names, priority=priority)
    for program in all_programs:
        log = site.logs / f"{program.name}.log"
        text += _PROGRAM.format(
            name=program.name,
            command=_escaped(shlex.join(_ending_with_parent(program.command, program.stop_signal))),
            stop_signal=program.stop_signal,
            autorestart=program.autorestart,
            log="/dev/fd/1" if program.in_terminal else _escaped(str(log)),
        )
    return text


def _programs(site: Site, consul: Path) -> Iterator[Program]:
    for database in DATABASES:
        # PostgreSQL's fast shutdown is SIGINT; SIGTERM would wait for its clients.
        yield Program(database.name, databases.command(site, database), "storage", "INT")
    data = site.home / "consul"
    agent: list[str | Path] = [
        consul,
        "agent",
        "-config-file=consul/agent/dev.hcl",
        f"-data-dir={data}",
    ]
    yield Program("consul", agent, "storage", _KILL)
    for service in SERVICES:
        if service.database:
            name = environment.migration(service)
            migrate = _python(site, name, f"-m {service.module} migrate")
            yield Program(name, migrate, "services", in_terminal=True, autorestart=False)
        run = _python(site, service.name, f"-m {service.module}")
        yield Program(service.name, run, "services", in_terminal=True)
    traefik = Path(sys.executable).with_name("traefik")
    # Traefik finds its plugin below its working folder.
    command = f"cd traefik && exec {shlex.quote(str(traefik))} --configFile=dev.yml"
    yield Program("traefik", ["sh", "-c", command], "gateway", _KILL)


def _python(site: Site, name: str, arguments: str) -> list[str | Path]:
    """Return a command for Python with a service's environment: no secret is in its arguments."""
    file, python = shlex.quote(str(environment.path(site, name))), shlex.quote(sys.executable)
    return ["sh", "-c", f". {file} && exec {python} {arguments}"]


def _ending_with_parent(command: Sequence[str | Path], signal: str) -> list[str]:
    """Return the command, changed so that it gets the signal when its parent dies."""
    return ["setpriv", f"--pdeathsig={signal}", *map(str, command)]


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
