"""backups/link.sh: one state of a repository that goes on."""

import fcntl
import subprocess
from pathlib import Path

import pytest

from tasktracker_cluster.backups import copying
from tasktracker_cluster.machine import wait

SCRIPT = Path(copying.__file__).with_name("link.sh")
LIMIT_SECONDS = 120
SEGMENT = "000000010000000000000002"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give a repository of the task database, with a backup, a segment and one being received."""
    folder = tmp_path / "repository" / "task-db"
    files = {
        "meta/20261127T140000-backup.info": "status=DONE",
        "base/20261127T140000/data/PG_VERSION": "15",
        "streaming/000000010000000000000003.partial": "received",
        f"wals/0000000100000000/{SEGMENT}": "archived",
        "wals/xlog.db": SEGMENT,
        "identity.json": "{}",
        "verified": "20261127T140000",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return tmp_path / "repository"


def link(repository: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["/bin/sh", "-c", SCRIPT.read_text(), "sh", str(repository)])


def test_the_links_keep_what_the_repository_changes_and_deletes(repository: Path) -> None:
    assert link(repository).wait(LIMIT_SECONDS) == 0
    live, linked = repository / "task-db", repository / "copying" / "task-db"
    (live / "wals/xlog.db").write_text("another")
    (live / "meta/20261127T140000-backup.info").write_text("status=FAILED")
    (live / f"wals/0000000100000000/{SEGMENT}").unlink()
    assert (linked / "wals/xlog.db").read_text() == SEGMENT
    assert (linked / "meta/20261127T140000-backup.info").read_text() == "status=DONE"
    assert (linked / f"wals/0000000100000000/{SEGMENT}").read_text() == "archived"
    assert (linked / "streaming/000000010000000000000003.partial").read_text() == "received"
    # A file of a database needs no space for its second name.
    data = "base/20261127T140000/data/PG_VERSION"
    assert (linked / data).stat().st_ino == (live / data).stat().st_ino


def test_what_an_interrupted_copy_left_is_replaced(repository: Path) -> None:
    assert link(repository).wait(LIMIT_SECONDS) == 0
    (repository / "copying" / "old").touch()
    assert link(repository).wait(LIMIT_SECONDS) == 0
    assert not (repository / "copying" / "old").exists()


@pytest.mark.parametrize("name", ["lock", "archiving"])
def test_it_waits_while_files_are_moved(repository: Path, name: str) -> None:
    with (repository / "task-db" / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        linking = link(repository)
        wait.until("the first folder", (repository / "copying/task-db").exists, LIMIT_SECONDS)
        assert not (repository / "copying/task-db/streaming").exists()
        assert linking.poll() is None
    assert linking.wait(LIMIT_SECONDS) == 0
    assert (repository / "copying/task-db/wals/xlog.db").exists()
