"""The scripts of the job that keeps backups, with a Barman that writes down what it is told."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasktracker_cluster.machine import wait

SCRIPTS = Path(__file__).parents[3] / "nomad/jobs/backup"
LIMIT_SECONDS = 20

# It answers a question with the file whose name is the first column that is asked for.
BARMAN = """#!/bin/sh
echo "$*" >>"$REPOSITORY/told"
if [ "$2" = ask ]; then
    column=$(echo "$3" | sed 's/^SELECT //; s/[( ].*//')
    cat "$REPOSITORY/answers/$column" 2>/dev/null
fi
exit 0
"""

Keep = Callable[[], None]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give a repository of the task database, which has a base backup of today."""
    folder = tmp_path / "repository"
    for name in ("answers", "task-db/base"):
        (folder / name).mkdir(parents=True)
    (folder / "answers" / "active").write_text("t\n")
    (folder / "answers" / "pg_walfile_name").write_text("000000010000000000000002\n")
    (folder / "task-db" / "done").touch()
    return folder


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """Give the folder of the scripts, with another Barman."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "barman.sh").write_text(BARMAN)
    (folder / "back-up.sh").write_text((SCRIPTS / "back-up.sh").read_text())
    return folder


@pytest.fixture
def environment(repository: Path, scripts: Path) -> dict[str, str]:
    return {**os.environ, "REPOSITORY": str(repository), "SCRIPTS": str(scripts), "PGBIN": "/bin"}


@pytest.fixture
def keep(environment: dict[str, str]) -> Iterator[Keep]:
    """Return a function that starts the receivers. They end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = ["/bin/sh", str(SCRIPTS / "keep.sh")]
        started.append(subprocess.Popen(command, env=environment, start_new_session=True))

    yield start
    for each in started:
        os.killpg(each.pid, signal.SIGTERM)
        each.wait(LIMIT_SECONDS)


def told(repository: Path, words: str) -> bool:
    file = repository / "told"
    return file.exists() and words in file.read_text().splitlines()


def test_a_hole_in_the_log_is_written_down_before_the_slot_is_made(
    repository: Path, keep: Keep
) -> None:
    keep()
    wait.until(
        "a slot", lambda: told(repository, "task-db receive-wal --create-slot task-db"),
        LIMIT_SECONDS,
    )  # fmt: skip
    hole = (repository / "task-db" / "anew").read_text()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", hole)
    assert not (repository / "task-db" / "done").exists()


def test_a_slot_that_nobody_has_used_yet_is_not_made_again(repository: Path, keep: Keep) -> None:
    (repository / "answers" / "coalesce").write_text("reserved\n")
    keep()
    wait.until("a receiver", lambda: told(repository, "task-db receive-wal task-db"), LIMIT_SECONDS)
    assert not (repository / "task-db" / "anew").exists()
    assert (repository / "task-db" / "done").exists()
