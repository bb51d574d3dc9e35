"""backups.leftovers: what ends before a folder is deleted."""

import getpass
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tasktracker_cluster.backups import leftovers

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "room" / "data"
    (folder / "pg_wal").mkdir(parents=True)
    return folder


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a way to start a process that runs for a minute, with these arguments."""
    with ExitStack() as stack:

        def start(
            program: Path | str, *words: str, cwd: Path | str = "/"
        ) -> subprocess.Popen[bytes]:
            # A shell that ignores the words: they are there to be seen.
            process = subprocess.Popen(
                [program, "-c", "read line", *words], cwd=cwd, stdin=subprocess.PIPE
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            return process

        yield start


def test_a_server_ends_by_its_own_signal_and_what_it_left_is_killed(
    data: Path, tmp_path: Path, start: Start
) -> None:
    postgres = tmp_path / "postgres"
    shutil.copy("/bin/sh", postgres)
    server = start(postgres, "sh", "-D", str(data))
    # The title of a process of a server says nothing of its folder.
    child, receiver = start("/bin/sh", cwd=data), start("/bin/sh", cwd=data / "pg_wal")
    copy = start("/bin/sh", "cp", "source", str(data))

    leftovers.end(data, getpass.getuser())

    assert server.wait(0) == -signal.SIGQUIT
    assert [each.wait(0) for each in (child, receiver, copy)] == [-signal.SIGKILL] * 3


def test_what_uses_another_folder_goes_on(data: Path, tmp_path: Path, start: Start) -> None:
    beside = tmp_path / "room" / "data.old"
    beside.mkdir()
    others = [start("/bin/sh", str(beside), cwd=beside), start("/bin/sh", f"{data}/file")]
    leftovers.end(data, getpass.getuser())
    assert [each.poll() for each in others] == [None, None]


@pytest.mark.skipif(os.geteuid() != 0, reason="a process of another user needs root")
def test_another_users_process_goes_on(data: Path, start: Start) -> None:
    shell = start("/bin/sh", cwd=data)  # an operator who looks at it
    leftovers.end(data, "daemon")
    assert shell.poll() is None
