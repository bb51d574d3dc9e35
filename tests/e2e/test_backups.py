"""Backups that are kept all the time, and databases that are restored to the second."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tasktracker_cluster.agents import ownership
from tasktracker_cluster.backups import drill
from tasktracker_cluster.jobs import gateway, postgres
from tasktracker_cluster.machine import processes, shell, wait
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.testing.throwaway import ThrowawayCluster, User
from tasktracker_cluster.topology import BACKUP, BACKUP_JOBS, BACKUP_USER, BACKUP_USERS
from tests.e2e.test_walls import intrude, walled
from tests.e2e.traffic import titles, writing
from tests.figures import Say

pytestmark = pytest.mark.drill

LIMIT_SECONDS = 180  # generous: a machine may be busy
RENEWAL_SECONDS = 300  # the job tries a backup once a minute
REPOSITORY_BYTES = 768 * 2**20
CHECKSUM = "SELECT count(*), md5(string_agg(tasks::text, ',' ORDER BY id)) FROM tasks WHERE id <= "


@pytest.fixture(scope="module")
def repository(cluster: ThrowawayCluster) -> Iterator[Path]:
    """Give the repository of a cluster that keeps backups: a small disk of its own."""
    disk = cluster.home.parent / "disk"
    disk.mkdir(mode=0o755)
    shell.run(["mount", "-t", "tmpfs", "-o", f"size={REPOSITORY_BYTES},mode=755", "none", disk])
    try:
        cluster.admin("backup", "on", "--to", str(disk / "backups"))
        yield disk / "backups"
        cluster.admin("backup", "off")
        assert query(cluster, "SELECT count(*) FROM pg_replication_slots") == "0"
    finally:
        cluster.nomad.call("DELETE", f"/v1/job/{BACKUP}", purge="true")
        wait.until("the end of the job", lambda: not cluster.allocations(BACKUP), LIMIT_SECONDS)
        shell.run(["umount", "--lazy", disk])


@pytest.fixture(scope="module")
def ida(cluster: ThrowawayCluster) -> User:
    return cluster.user("ida")


def query(cluster: ThrowawayCluster, statement: str) -> str:
    """Run a statement in the live database of the tasks."""
    return shell.run(postgres.query(cluster.site, "task-db", statement)).strip()


def rows(cluster: ThrowawayCluster, kind: str) -> dict[str, Any]:
    """Return the lines of `status` of one kind, by name."""
    found = json.loads(cluster.admin("status", "--json", check=False).stdout)
    return {row["name"]: row for row in found if row["kind"] == kind}


def error(cluster: ThrowawayCluster, *words: str) -> str:
    """Run a command that must fail, and return the code of its error."""
    result = cluster.admin(*words, "--json", check=False)
    assert result.returncode == 1, result.stdout + result.stderr
    last = json.loads(result.stderr.splitlines()[-1])
    return str(last["error"]["code"])


def refusal(cluster: ThrowawayCluster, *words: str) -> str:
    """Run a command that prints no data and must fail, and return what it says."""
    result = cluster.admin(*words, check=False)
    assert result.returncode == 1, result.stdout + result.stderr
    return " ".join(result.stderr.split())


def after_a_second() -> datetime:
    """Wait for a second, so that what follows is later than the time that this returns."""
    now = datetime.now(UTC)
    wait.until("the next second", lambda: (datetime.now(UTC) - now).total_seconds() > 1, 2)
    return now


def holes(repository: Path) -> int:
    """Return how often the log of the tasks was received anew."""
    file = repository / "task-db" / "anew"
    return file.read_text().count("\n") if file.exists() else 0


def newest_backup(repository: Path) -> Path:
    return max((repository / "task-db" / "base").iterdir())


@contextmanager
def renewed(repository: Path) -> Iterator[None]:
    """Wait after a restore in the block for the good backup that the job then makes by itself."""
    verified = repository / "task-db" / "verified"
    made = max(verified.read_text().split())
    yield
    wait.until(
        "a new good backup", lambda: max(verified.read_text().split()) > made, RENEWAL_SECONDS
    )


def test_the_job_is_behind_walls_of_its_own_users(
    cluster: ThrowawayCluster, repository: Path
) -> None:
    tasks = (BACKUP_JOBS[BACKUP], f"connect-proxy-{BACKUP}")
    pids = [cluster.task_pid(BACKUP, task) for task in tasks]
    assert [Path(f"/proc/{pid}").owner() for pid in pids] == list(BACKUP_USERS)
    allocation = f"nomad/alloc/{cluster.allocation(BACKUP)['ID']}"
    release = f"releases/{cluster.site.release.resolve().name}(/.*)?"
    own = rf"{release}|backup/(repository|barman\.conf)|{allocation}/barman/local(/.*)?"
    reached = intrude(cluster, walled(cluster, BACKUP, tasks[0]),
                      cluster.task_folder(BACKUP, tasks[0]))  # fmt: skip
    assert [name for name in reached.read if not re.fullmatch(own, name)] == []
    assert reached.write <= {"backup/repository"}
    assert repository.stat().st_mode & 0o777 == 0o700
    assert repository.owner() == BACKUP_USER


def test_status_and_doctor_know_the_backups(cluster: ThrowawayCluster, repository: Path) -> None:
    def all_is_well() -> bool:
        found = rows(cluster, "backup")
        return {row["health"] for row in found.values()} == {"passing"} and len(found) == 3

    wait.until("backups without a fault", all_is_well, LIMIT_SECONDS)
    assert rows(cluster, "job")[BACKUP]["health"] == "passing"
    findings = json.loads(cluster.admin("doctor", "--json").stdout)
    assert len([each for each in findings if each["path"] == "backups"]) == 6
    listed = json.loads(cluster.admin("backup", "list", "--json").stdout)
    assert {each["database"] for each in listed if each["is_good"]} == {"user-db", "task-db"}
    assert query(cluster, "SELECT slot_name, active FROM pg_replication_slots") == "barman|t"


@dataclass(frozen=True)
class Restoration:
    """How many tasks a user had, the seconds that it took, and those of writes that it undid."""

    tasks: int
    seconds: float
    lost: float


def restore_before_a_delete(cluster: ThrowawayCluster, user: User) -> Restoration:
    """Delete all tasks while some are written, and restore those of the second before."""
    with user.http() as client, writing(client) as before:
        wait.until("fifty tasks", lambda: len(before.acknowledged) >= 50, LIMIT_SECONDS)
    last = query(cluster, "SELECT max(id) FROM tasks")
    checksum = query(cluster, CHECKSUM + last)
    then = after_a_second()
    with user.http() as client, writing(client) as meanwhile:
        wait.until("more tasks", lambda: len(meanwhile.acknowledged) >= 5, LIMIT_SECONDS)
        query(cluster, "DELETE FROM tasks")
        deleted = time.time()
        begin = time.monotonic()
        cluster.admin("restore", "task", "--to", then.isoformat(), "--yes")
        seconds = time.monotonic() - begin
        written = len(meanwhile.acknowledged)
        wait.until("a write", lambda: len(meanwhile.acknowledged) > written, LIMIT_SECONDS)
    assert query(cluster, CHECKSUM + last) == checksum
    with user.http() as client:
        assert set(before.acknowledged) <= titles(client)
    return Restoration(len(before.acknowledged), seconds, deleted - then.timestamp())


def test_tasks_are_restored_to_the_second_before_they_were_deleted(
    cluster: ThrowawayCluster, repository: Path, ida: User, say: Say
) -> None:
    with renewed(repository):
        found = restore_before_a_delete(cluster, ida)
    say(f"restored {found.tasks} tasks in {found.seconds:.1f} s")

    # The receiver goes on with the new timeline.
    def is_well() -> bool:
        return bool(rows(cluster, "backup")["task-db"]["health"] == "passing")

    wait.until("the log of the restored database", is_well, LIMIT_SECONDS)


def test_data_from_before_a_rotation_get_the_passwords_of_now(
    cluster: ThrowawayCluster, repository: Path, ida: User
) -> None:
    ida.run("task", "create", "before the rotation")
    then = after_a_second()
    cluster.admin("rotate", "db-password")
    with renewed(repository):
        cluster.admin("restore", "task", "--to", then.isoformat(), "--yes")
    ida.run("task", "create", "after the restore")
    cluster.admin("rotate", "db-password")  # also for the tests of data without twins
    newest = ida.json("task", "list", "--limit", "2")
    assert [task["title"] for task in newest] == ["after the restore", "before the rotation"]


def test_a_restore_beside_leaves_the_live_database_alone(
    cluster: ThrowawayCluster, repository: Path, ida: User
) -> None:
    ida.run("task", "create", "kept")
    live = query(cluster, "SELECT count(*) FROM tasks")
    folder = cluster.home.parent / "beside"
    found = json.loads(cluster.admin("restore", "task", "--into", str(folder), "--json").stdout)
    counts = {row["table"]: (row["restored"], row["live"]) for row in found}
    assert counts["tasks"] == (int(live), int(live))
    assert (folder / "PG_VERSION").exists()
    assert folder.owner() == "tasktracker-task-db"
    assert query(cluster, "SELECT count(*) FROM tasks") == live
    assert not (repository / "restoring" / "task-db").exists()
    assert error(cluster, "restore", "task", "--into", str(folder)) == "bad-folder"


def test_a_restore_to_an_impossible_time_is_refused(
    cluster: ThrowawayCluster, repository: Path
) -> None:
    assert error(cluster, "restore", "task", "--to", "2001-01-01") == "bad-time"
    assert error(cluster, "restore", "task", "--to", "2101-01-01") == "bad-time"
    assert error(cluster, "restore", "task", "--to", "yesterday") == "bad-time"


def test_a_restore_that_would_miss_changes_is_refused(
    cluster: ThrowawayCluster, repository: Path, ida: User
) -> None:
    with suspended(receiver(cluster)):
        ida.run("task", "create", "not received")
        assert error(cluster, "restore", "task", "--yes") == "restore-failed"
    with ida.http() as client:
        assert "not received" in titles(client)


def receiver(cluster: ThrowawayCluster) -> int:
    """Return the process that receives the log of the tasks."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # the process has ended
            command = " ".join(processes.command_line(folder))
            if "pg_receivewal" in command and f"{cluster.site.repository}/task-db" in command:
                return int(folder.name)
    raise AssertionError("Nobody receives the log.")


@contextmanager
def suspended(pid: int) -> Iterator[None]:
    """Suspend a process during the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_repository_is_not_moved_by_naming_another_folder(
    cluster: ThrowawayCluster, repository: Path, tmp_path: Path
) -> None:
    told = refusal(cluster, "backup", "on", "--to", str(tmp_path))
    assert f"The repository is in {repository} already." in told


def test_two_restores_at_once_are_refused(cluster: ThrowawayCluster, repository: Path) -> None:
    with ownership.locked(cluster.site):
        assert error(cluster, "restore", "task", "--yes") == "busy"


@pytest.mark.parametrize("moment", ["recovery", "exchange"])
def test_an_interrupted_restore_loses_nothing_and_a_second_one_works(
    cluster: ThrowawayCluster, repository: Path, ida: User, moment: str
) -> None:
    with ida.http() as client, writing(client) as before:
        wait.until("some tasks", lambda: len(before.acknowledged) >= 5, LIMIT_SECONDS)
    volume = cluster.site.volume("task-db")
    sign = {
        "recovery": repository / "restoring" / "task-db" / "data" / "postmaster.pid",
        "exchange": volume / "data.restoring",
    }[moment]

    with renewed(repository):
        restore = cluster.start_admin("restore", "task", "--yes")
        wait.until(moment, sign.exists, LIMIT_SECONDS)
        os.killpg(restore.pid, signal.SIGKILL)
        restore.communicate()
        cluster.admin("restore", "task", "--yes")
    wait.until("the gateway", gateway.answers, LIMIT_SECONDS)
    with ida.http() as client:
        assert set(before.acknowledged) <= titles(client)


def test_a_damaged_backup_is_found_and_an_older_one_restored(
    cluster: ThrowawayCluster, repository: Path
) -> None:
    cluster.admin("backup", "now", "task")
    live = query(cluster, "SELECT count(*) FROM tasks")
    with flipped(newest_backup(repository) / "data" / "base" / "1" / "1259"):
        assert "is damaged. Restore" in refusal(cluster, "backup", "verify", "task")
        folder = cluster.home.parent / "older"
        found = cluster.admin("restore", "task", "--into", str(folder), "--json").stdout
        counts = {row["table"]: row["restored"] for row in json.loads(found)}
        assert counts["tasks"] == int(live)
        with ExitStack() as stack:
            for base in sorted((repository / "task-db" / "base").iterdir())[:-1]:
                stack.enter_context(flipped(base / "data" / "base" / "1" / "1259"))
            assert error(cluster, "restore", "task", "--yes") == "damaged-backup"
    cluster.admin("backup", "verify", "task")


@contextmanager
def flipped(file: Path) -> Iterator[None]:
    """Change one byte of a file during the block."""
    content = file.read_bytes()
    file.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    yield
    file.write_bytes(content)


def test_a_full_repository_refuses_a_backup_and_heals_by_itself(
    cluster: ThrowawayCluster, repository: Path, ida: User
) -> None:
    filler = repository.parent / "filler"
    free = os.statvfs(repository).f_bavail * os.statvfs(repository).f_frsize
    subprocess.run(["fallocate", "--length", str(free - 2**20), filler], check=True)
    try:
        assert "of free space; a backup needs" in refusal(cluster, "backup", "now", "task")
        beside = str(cluster.home.parent / "too-large")
        assert error(cluster, "restore", "task", "--into", beside) == "no-space"
        ida.run("task", "create", "written while the repository is full")
        query(cluster, "SELECT pg_switch_wal()")
        ida.run("task", "create", "and after it")
    finally:
        filler.unlink()

    def is_well() -> bool:
        return bool(rows(cluster, "backup")["task-db"]["health"] == "passing")

    wait.until("a receiver", is_well, LIMIT_SECONDS)
    cluster.admin("backup", "now", "task")
    live = query(cluster, "SELECT count(*) FROM tasks")
    folder = cluster.home.parent / "healed"
    found = json.loads(cluster.admin("restore", "task", "--into", str(folder), "--json").stdout)
    assert {row["table"]: row["restored"] for row in found}["tasks"] == int(live)


def test_a_drill_finds_every_row_while_users_write(
    cluster: ThrowawayCluster, repository: Path, ida: User
) -> None:
    with ida.http() as client, writing(client) as written:
        wait.until("some tasks", lambda: len(written.acknowledged) >= 5, LIMIT_SECONDS)
        both = [cluster.start_admin("backup", "drill") for _ in range(2)]
        printed = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], "\n\n".join(printed)
    assert written.failed == []
    known = drill.last(cluster.site)
    assert known is not None
    assert known.rows > 5
    assert rows(cluster, "backup")["drill"]["health"] == "passing"
    assert re.search(r"Drill: \d+ min ago", cluster.admin("backup", "list").stderr)
    assert not (repository / "drilling" / "task-db").exists()


def test_a_drill_does_not_need_a_backup_that_ends_meanwhile(
    cluster: ThrowawayCluster, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.admin("backup", "now", "task")
    mark = drill._mark

    def mark_then_back_up(*words: Any) -> Any:
        marked = mark(*words)
        cluster.admin("backup", "now", "task")
        return marked

    monkeypatch.setattr(drill, "_mark", mark_then_back_up)
    drill.hold(cluster.as_operator, Steps(Console(quiet=True)), ["task-db"])
    assert rows(cluster, "backup")["drill"]["health"] == "passing"


def test_a_drill_finds_rows_that_are_not_in_the_backup(
    cluster: ThrowawayCluster, repository: Path
) -> None:
    query(cluster, "CREATE UNLOGGED TABLE lost AS SELECT 1 AS one")  # it is not in the log
    try:
        assert "has other rows in lost" in refusal(cluster, "backup", "drill")
        assert "other rows in lost" in rows(cluster, "backup")["drill"]["health"]
        result = cluster.admin("doctor", "--json", check=False)
        assert [f["hop"] for f in json.loads(result.stdout) if f["state"] == "broken"] == ["drill"]
    finally:
        query(cluster, "DROP TABLE lost")
    cluster.admin("backup", "drill")
    assert rows(cluster, "backup")["drill"]["health"] == "passing"


def test_a_drill_gives_up_rather_than_letting_users_wait_for_a_slow_writer(
    cluster: ThrowawayCluster, repository: Path, ida: User
) -> None:
    slow = subprocess.Popen(
        postgres.query(cluster.site, "task-db",
                       "BEGIN; LOCK TABLE tasks IN ROW EXCLUSIVE MODE; SELECT pg_sleep(600)"),
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    try:
        wait.until("the writer", lambda: query(cluster, held) == "1", LIMIT_SECONDS)
        told = refusal(cluster, "backup", "drill")
        assert "The state of task-db could not be read." in told
        ida.run("task", "create", "not delayed")
    finally:
        query(cluster, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
              "WHERE wait_event = 'PgSleep'")  # fmt: skip
        slow.wait(LIMIT_SECONDS)
    cluster.admin("backup", "drill")


def test_an_interrupted_drill_and_a_restore_beside_one_hinder_nobody(
    cluster: ThrowawayCluster, repository: Path
) -> None:
    room = repository / "drilling" / "task-db" / "data"
    drilling = cluster.start_admin("backup", "drill")
    wait.until("the drill", room.exists, LIMIT_SECONDS)
    beside = cluster.home.parent / "beside-a-drill"
    cluster.admin("restore", "task", "--into", str(beside))
    os.killpg(drilling.pid, signal.SIGKILL)
    drilling.communicate()
    cluster.admin("backup", "drill")
    assert not room.exists()


def test_doctor_names_the_intention_without_which_nothing_is_received(
    cluster: ThrowawayCluster, repository: Path, settled: None
) -> None:
    entry = cluster.consul.call("GET", "/v1/config/service-intentions/user-db")
    rest = [source for source in entry["Sources"] if source["Name"] != BACKUP]
    cluster.consul.call("PUT", "/v1/config", {**entry, "Sources": rest})
    try:
        result = cluster.admin("doctor", "--json", check=False)
        broken = [f for f in map(dict, json.loads(result.stdout)) if f["state"] == "broken"]
        assert [each["hop"] for each in broken] == ["intention backup -> user-db"]
    finally:
        cluster.consul.call("PUT", "/v1/config", entry)


def test_up_continues_with_backups_when_their_disk_is_there(
    cluster: ThrowawayCluster, repository: Path, ida: User
) -> None:
    before = holes(repository)
    cluster.admin("down")
    away = repository.rename(repository.with_name("away"))
    assert "the disk of the backups is not there" in cluster.admin("up").stderr
    assert not repository.exists()
    found = rows(cluster, "backup")
    faults = {found[name]["health"] for name in ("user-db", "task-db")}
    assert faults == {"the disk of the backups is not there"}
    away.rename(repository)
    cluster.admin("up")
    ida.run("task", "create", "after a restart")

    def is_well() -> bool:
        return {row["health"] for row in rows(cluster, "backup").values()} == {"passing"}

    wait.until("backups after a restart", is_well, LIMIT_SECONDS)
    assert holes(repository) == before
