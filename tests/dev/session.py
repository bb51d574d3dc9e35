"""`tasktracker-cli admin dev` as a process, and the processes of its session."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.machine import processes, shell, wait
from tasktracker_cluster.site import Site

PROGRAM = Path(sys.executable).with_name("tasktracker-cli")
CHECKOUT = Path(__file__).parents[2]
START_LIMIT = 480  # seconds: a busy machine needs minutes
STOP_LIMIT = 180

Process: TypeAlias = "subprocess.Popen[bytes]"


class Session:
    """A session of the account `user`. Its state is below `home`, a folder of this account.

    `consul` is a program that the account may run.
    """

    def __init__(self, home: Path, user: str, consul: Path) -> None:
        self.site = Site(home / "tasktracker" / "dev", CHECKOUT)
        self.user = user
        self.log = home / "log"
        path = f"{consul.parent}:{os.environ['PATH']}"
        self.process: Process | None = None
        self.environment = {"XDG_STATE_HOME": str(home), "HOME": str(home), "PATH": path}

    def start(self) -> None:
        """Start the session, and wait until it is ready."""
        self.begin()
        wait.until("the session", self._is_ready, START_LIMIT)

    def begin(self) -> None:
        """Start the session without waiting."""
        self.process = self.popen([PROGRAM, "admin", "dev"], self.log)

    def stop(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            logs = [self.log, self.site.logs / "supervisord.log"]
            pytest.fail("\n".join(line for log in logs for line in shell.tail(log)))

    def end(self) -> None:
        """Stop the session if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def refused(self) -> str:
        """Start a second session, which must fail, and return its output."""
        log = self.log.with_name("refused")
        assert self.popen([PROGRAM, "admin", "dev"], log).wait(START_LIMIT) == 1
        return log.read_text()

    def by_hand(self, command: str, environment: dict[str, str], log: str) -> Process:
        """Run a shell command with the account and environment of another terminal."""
        return self.popen(["sh", "-c", command], self.log.with_name(log), environment)

    def popen(
        self,
        command: Sequence[str | Path],
        log: Path,
        environment: dict[str, str] | None = None,
    ) -> Process:
        with log.open("w") as output:
            return subprocess.Popen(
                command,
                env=self.environment | (environment or {}),
                stdout=output,
                stderr=output,
                user=self.user,
                group="nogroup" if self.user == "nobody" else "root",
                extra_groups=[],
            )

    def pid(self, name: str) -> int:
        """Return the process id of one of its programs, 0 when it does not run."""
        return next((p.pid for p in supervisor.processes(self.site) if p.name == name), 0)

    def commands(self) -> list[str]:
        """Return the command lines of all other processes in this network namespace."""
        here = os.readlink("/proc/thread-self/ns/net")
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # the process ended in the meantime
                if os.readlink(folder / "ns" / "net") == here and folder.name != str(os.getpid()):
                    found.append(" ".join(processes.command_line(folder)))
        return found

    def _is_ready(self) -> bool:
        text = self.log.read_text()
        assert self.process is not None
        assert self.process.poll() is None, text
        return "Reloads on every save" in text
