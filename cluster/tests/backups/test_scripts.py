"""The scripts of the job that keeps backups, with a Barman that writes down what it is told."""

import fcntl
import getpass
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Template

import pytest

from tasktracker_cluster.machine import wait

SCRIPTS = Path(__file__).parents[3] / "nomad/jobs/backup"
LIMIT_SECONDS = 120

# It answers a question with the file whose name is the first column that is asked for. With
# settings, the real one lists and deletes: that needs no database.
BARMAN = """#!/bin/sh
echo "$*" >>"$REPOSITORY/told"
if [ "$2" = ask ]; then
    column=$(echo "$3" | sed 's/^SELECT //; s/[( ].*//')
    cat "$REPOSITORY/answers/$column" 2>/dev/null
elif [ "$2" = history ]; then
    cat "$REPOSITORY/answers/history"
elif [ -n "${CONF-}" ] && { [ "$2" = list-backups ] || [ "$2" = delete ]; }; then
    shift
    exec "$BARMAN" --config "$CONF" "$@"
fi
exit 0
"""

CREATION = "task-db receive-wal --create-slot --if-not-exists task-db"
BACKUP = "task-db --quiet backup --wait --wait-timeout 300 task-db"

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
        "a slot", lambda: told(repository, CREATION),
        LIMIT_SECONDS,
    )  # fmt: skip
    hole = (repository / "task-db" / "anew").read_text()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", hole)
    assert not (repository / "task-db" / "done").exists()


def test_a_place_in_the_log_that_is_lost_is_given_up_and_the_next_backup_is_due(
    repository: Path, keep: Keep
) -> None:
    """Test a job that was away for so long that the database has deleted the log for it."""
    (repository / "answers" / "coalesce").write_text("lost\n")
    keep()
    wait.until(
        "a slot", lambda: told(repository, CREATION),
        LIMIT_SECONDS,
    )  # fmt: skip
    lines = (repository / "told").read_text().splitlines()
    dropped = lines.index("task-db receive-wal --drop-slot task-db")
    assert dropped < lines.index(CREATION)
    assert (repository / "task-db" / "anew").read_text().count("\n") >= 1
    assert not (repository / "task-db" / "done").exists()


def test_no_segment_is_moved_while_the_repository_is_copied(repository: Path, keep: Keep) -> None:
    (repository / "answers" / "coalesce").write_text("reserved\n")
    streaming = repository / "task-db" / "streaming"
    streaming.mkdir()
    for name in ("2", "3.partial"):
        (streaming / name).touch()
    with (repository / "task-db" / "archiving").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keep()
        wait.until(
            "a receiver", lambda: told(repository, "task-db receive-wal task-db"), LIMIT_SECONDS
        )
        assert not told(repository, "task-db archive-wal task-db")
    wait.until("a move", lambda: told(repository, "task-db archive-wal task-db"), LIMIT_SECONDS)


@pytest.fixture
def received(repository: Path) -> Path:
    """Give the folder of what is received of the log: it ends in a segment of timeline 1."""
    (repository / "answers" / "coalesce").write_text("reserved\n")
    streaming = repository / "task-db" / "streaming"
    streaming.mkdir()
    for name in (
        "00000002.history",
        "0000000100000000000000FE",
        "0000000100000000000000FF.partial",
    ):
        (streaming / name).touch()
    return streaming


HISTORY = "00000003.history|1\t0/FF000028\tno recovery target specified\n\n2\t1/3000028\tthe same\n"


@pytest.mark.parametrize(
    ("now", "history", "has_it", "goes_on"),
    [
        ("00000001", "", "", True),  # the same timeline
        ("00000003", HISTORY, "t", True),  # a later one, which began there or later
        ("00000003", HISTORY, "f", False),  # one that began before the end of what is received
        ("00000002", "", "", False),  # a database that does not know the timeline
        ("no", "", "", False),  # a slot that is younger, or a log that is shorter
    ],
)
def test_the_log_of_another_leader_is_received_anew_only_if_it_does_not_go_on(
    repository: Path,
    received: Path,
    keep: Keep,
    now: str,
    history: str,
    has_it: str,
    goes_on: bool,
) -> None:
    answers = {"CASE": now, "history": history, "pg_wal_lsn_diff": has_it}
    for name, text in answers.items():
        (repository / "answers" / name).write_text(f"{text}\n")
    keep()
    wait.until("a receiver", lambda: told(repository, "task-db receive-wal task-db"), LIMIT_SECONDS)
    assert (repository / "task-db" / "anew").exists() is not goes_on
    assert told(repository, CREATION) is not goes_on
    segment = "000000010000000000000002.partial"
    assert (received / segment).exists() is not goes_on
    if not goes_on:
        wait.until("a backup", lambda: told(repository, BACKUP), LIMIT_SECONDS)


@pytest.mark.parametrize("goes_on", [True, False])
def test_the_log_goes_on_from_the_archive_when_all_of_it_is_there(
    repository: Path, received: Path, keep: Keep, goes_on: bool
) -> None:
    archive = repository / "task-db" / "wals" / "0000000100000000"
    archive.mkdir(parents=True)
    for file in received.iterdir():
        file.rename(archive / file.name.removesuffix(".partial"))
    (repository / "answers" / "CASE").write_text("00000001\n" if goes_on else "no\n")
    keep()
    wait.until("a receiver", lambda: told(repository, "task-db receive-wal task-db"), LIMIT_SECONDS)
    asked = [line for line in (repository / "told").read_text().splitlines() if "CASE" in line]
    assert "'00000000/FF000000'::pg_lsn + 16777216" in asked[0]
    assert (repository / "task-db" / "anew").exists() is not goes_on


def test_while_a_database_does_not_answer_nothing_begins_anew(
    repository: Path, received: Path, keep: Keep
) -> None:
    keep()
    asked = "task-db ask SELECT CASE WHEN restart_lsn"

    def asks() -> int:
        lines = (repository / "told").read_text().splitlines()
        return sum(line.startswith(asked) for line in lines)

    wait.until("questions", lambda: (repository / "told").exists() and asks() >= 2, LIMIT_SECONDS)
    assert not told(repository, "task-db receive-wal task-db")
    assert not (repository / "task-db" / "anew").exists()


def test_the_log_of_replaced_data_is_received_anew(
    repository: Path, received: Path, keep: Keep
) -> None:
    """Test a restore. The slot is there already: Patroni made it."""
    replaced = repository / "task-db" / "replaced"
    replaced.touch()
    (repository / "answers" / "CASE").write_text("00000001\n")
    keep()
    wait.until("a receiver", lambda: told(repository, "task-db receive-wal task-db"), LIMIT_SECONDS)
    assert (repository / "task-db" / "anew").read_text().count("\n") == 1
    assert not replaced.exists()
    wait.until("a backup", lambda: told(repository, BACKUP), LIMIT_SECONDS)


def test_a_slot_that_nobody_has_used_yet_is_not_made_again(repository: Path, keep: Keep) -> None:
    (repository / "answers" / "coalesce").write_text("reserved\n")
    keep()
    wait.until("a receiver", lambda: told(repository, "task-db receive-wal task-db"), LIMIT_SECONDS)
    assert not (repository / "task-db" / "anew").exists()
    assert (repository / "task-db" / "done").exists()


def back_up(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    command = ["/bin/sh", f"{environment['SCRIPTS']}/back-up.sh", "task-db", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_due_backup_is_not_made_when_another_one_was_made_meanwhile(
    repository: Path, environment: dict[str, str]
) -> None:
    (repository / "task-db" / "base" / "20261127T140000").mkdir()
    (repository / "task-db" / "done").unlink()
    with (repository / "task-db" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["/bin/sh", f"{environment['SCRIPTS']}/back-up.sh", "task-db", "1440"]
        due = subprocess.Popen(command, env=environment)
        (repository / "task-db" / "done").touch()
    assert due.wait(LIMIT_SECONDS) == 0
    assert not (repository / "told").exists()
    assert back_up(environment).returncode == 0
    assert told(repository, BACKUP)


@pytest.fixture
def settings(repository: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """Let the scripts list and delete with the real Barman."""
    (repository / "locks").mkdir()
    template = Template((SCRIPTS / "barman.conf.tmpl").read_text())
    database = "[task-db]\nconninfo = host=127.0.0.1\nstreaming_conninfo = host=127.0.0.1\n"
    conf = tmp_path / "barman.conf"
    conf.write_text(
        template.substitute(
            user=getpass.getuser(), repository=repository, pgbin="/bin", databases=database
        )
    )
    environment |= {"CONF": str(conf), "BARMAN": str(Path(sys.executable).parent / "barman")}


def add_backup(repository: Path, name: str, status: str) -> None:
    folder = repository / "task-db" / "base" / name
    (folder / "data").mkdir(parents=True)
    (folder / "backup.info").write_text(
        f"backup_id={name}\nmode=postgres\nserver_name=task-db\nstatus={status}\n"
        "begin_time=2026-11-27 14:00:00+00:00\nend_time=2026-11-27 14:00:30+00:00\n"
        "begin_wal=000000010000000000000002\nend_wal=000000010000000000000002\n"
        "timeline=1\nsize=1\n"
    )


@pytest.mark.usefixtures("settings")
def test_what_a_failed_backup_left_is_deleted_before_the_next_one(
    repository: Path, environment: dict[str, str]
) -> None:
    states = ("DONE", "EMPTY", "STARTED", "FAILED")
    for minute, status in enumerate(states):
        add_backup(repository, f"20261127T140{minute}00", status)
    assert back_up(environment).returncode == 0
    assert [each.name for each in (repository / "task-db" / "base").iterdir()] == [
        "20261127T140000"
    ]
    assert told(repository, BACKUP)


ERROR = "server closed the connection unexpectedly\n\tThis probably means the server\n\tterminated"


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("moment", ["before", "now"])
def test_a_failure_in_several_lines_does_not_make_the_list_unreadable(
    repository: Path, environment: dict[str, str], scripts: Path, moment: str
) -> None:
    """Barman cannot read what it wrote of a leader that went away during a backup."""
    add_backup(repository, "20261127T140000", "DONE")
    name = "20261127T140100"
    file = repository / "task-db" / "meta" / f"{name}-backup.info"
    file.parent.mkdir()
    (repository / "task-db" / "base" / name / "data").mkdir(parents=True)
    failed = f"backup_id={name}\nstatus=FAILED\nmode=postgres\nerror={ERROR}\n"
    barman = [environment["BARMAN"], "--config", environment["CONF"], "list-backups", "task-db"]
    if moment == "before":
        file.write_text(failed)
        assert subprocess.run(barman, check=False, capture_output=True).returncode == 1
    else:
        script = (
            f"if [ \"$3\" = backup ]; then printf %s '{failed}' >'{file}'; exit 1; fi\nexit 0\n"
        )
        text = (scripts / "barman.sh").read_text().replace("exit 0\n", script)
        (scripts / "barman.sh").write_text(text)
    assert back_up(environment).returncode == (0 if moment == "before" else 1)
    assert subprocess.run(barman, check=False, capture_output=True).returncode == 0


def test_no_backup_begins_when_the_last_one_would_not_fit(
    repository: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    last = repository / "task-db" / "base" / "20261127T140100"
    last.mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "du").write_text("#!/bin/sh\necho 9000000000000000000\n")
    (programs / "du").chmod(0o755)
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    result = back_up(environment)
    assert result.returncode == 1
    assert "needs 9000000000000000000 bytes, and the repository has" in result.stderr
    assert not told(repository, BACKUP)
