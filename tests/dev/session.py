"""`tasktracker-cli admin dev` as a process, and what runs below it."""

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
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.site import Site

PROGRAM = Path(sys.executable).with_name("tasktracker-cli")
CHECKOUT = Path(__file__).parents[2]
START_LIMIT = 120  # seconds
STOP_LIMIT = 60

Process: TypeAlias = "subprocess.Popen[bytes]"


class Session:
    """A session of the account `user`, with its state below `home`, which belongs to it.

    `consul`: a program that the account may run.
    """

    def __init__(self, home: Path, user: str, consul: Path) -> None:
        self.site = Site(home / "tasktracker" / "dev", CHECKOUT)
        self.user = user
        self.log = home / "log"
        path = f"{consul.parent}:{os.environ['PATH']}"
        self.process: Process | None = None
        self.environment = {"XDG_STATE_HOME": str(home), "HOME": str(home), "PATH": path}

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.begin()
        wait.until("the session", self._is_ready, START_LIMIT)

    def begin(self) -> None:
        """Start it."""
        self.process = self.popen([PROGRAM, "admin", "dev"], self.log)

    def stop(self) -> int:
        """Press Ctrl-C; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            said = [self.log, self.site.logs / "supervisord.log"]
            pytest.fail("\n".join(line for log in said for line in shell.tail(log)))

    def end(self) -> None:
        """Have nothing of it running, whatever happened."""
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def refused(self) -> str:
        """Start one that does not come up; what it says."""
        log = self.log.with_name("refused")
        assert self.popen([PROGRAM, "admin", "dev"], log).wait(START_LIMIT) == 1
        return log.read_text()

    def by_hand(self, command: str, environment: dict[str, str], log: str) -> Process:
        """Run a command of a shell as somebody would in another terminal."""
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
        """The process of one of its programs; 0 when there is none."""
        return next((p.pid for p in supervisor.processes(self.site) if p.name == name), 0)

    def commands(self) -> list[str]:
        """The command lines of everything that runs in this network of ours but ourselves."""
        here = os.readlink("/proc/thread-self/ns/net")
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile
                if os.readlink(folder / "ns" / "net") == here and folder.name != str(os.getpid()):
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
        return found

    def _is_ready(self) -> bool:
        text = self.log.read_text()
        assert self.process is not None
        assert self.process.poll() is None, text
        return "Reloads on every save" in text
