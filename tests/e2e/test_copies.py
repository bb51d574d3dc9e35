"""Encrypted copies of the backups in another place."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tasktracker_cluster.backups import copies
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tasktracker_cluster.topology import BACKUP_USER
from tests.e2e.test_backups import refusal, rows

pytestmark = pytest.mark.drill

LIMIT_SECONDS = 180  # generous: a machine may be busy
PLACE_BYTES = 256 * 2**20


@pytest.fixture(scope="module")
def repository(cluster: ThrowawayCluster) -> Iterator[Path]:
    """Give the repository of a cluster that keeps backups."""
    folder = cluster.home.parent / "backups"
    cluster.admin("backup", "on", "--to", str(folder))
    yield folder
    cluster.admin("backup", "off")


@pytest.fixture(scope="module")
def place(cluster: ThrowawayCluster, repository: Path) -> Iterator[Path]:
    """Give the place of its copies: a small disk of its own."""
    disk = cluster.home.parent / "place"
    disk.mkdir()
    shell.run(["mount", "-t", "tmpfs", "-o", f"size={PLACE_BYTES},mode=700", "none", disk])
    try:
        cluster.admin("backup", "on", "--copies", str(disk / "copies"))
        yield disk / "copies"
        cluster.admin("backup", "on", "--copies", "")
        assert "The backups are not copied elsewhere." in refusal(cluster, "backup", "copy")
        assert "copies" not in rows(cluster, "backup")
    finally:
        shell.run(["umount", "--lazy", disk])


def last(cluster: ThrowawayCluster) -> str:
    """Return the name of the last copy."""
    known = copies.last(cluster.site)
    assert known is not None
    return known.name


def health(cluster: ThrowawayCluster) -> str:
    return str(rows(cluster, "backup")["copies"]["health"])


def test_the_first_copy_is_made_at_once_and_status_and_doctor_know_it(
    cluster: ThrowawayCluster, place: Path
) -> None:
    assert health(cluster) == "passing"
    assert rows(cluster, "agent")["backups"]["health"] == "passing"
    findings = json.loads(cluster.admin("doctor", "--json").stdout)
    assert [f["state"] for f in findings if f["hop"] == "copies"] == ["ok"]
    # It counts from its begin, and a busy machine takes minutes.
    assert re.search(r"Copies in \S+: \d+ min old", cluster.admin("backup", "list").stderr)


def test_a_copy_has_the_backups_the_log_and_the_state_of_both_agents(
    cluster: ThrowawayCluster, repository: Path, place: Path, tmp_path: Path
) -> None:
    store = copies.store(cluster.site)
    newest = store.copies()[0]
    store.restore(newest, tmp_path)
    found = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    for part in ("agents/consul.snap", "agents/nomad.snap", "copying/task-db/base",
                 "copying/task-db/streaming", "copying/user-db/base"):  # fmt: skip
        assert any(part in name for name in found), part
    assert not any("secrets/" in name for name in found)
    for agent in ("consul", "nomad"):
        snapshot = cluster.site.backup / "agents" / f"{agent}.snap"
        assert snapshot.stat().st_mode & 0o777 == 0o600


def test_nobody_can_read_a_copy_without_its_key(
    cluster: ThrowawayCluster, place: Path, tmp_path: Path
) -> None:
    cluster.admin("backup", "key", str(tmp_path / "safe.key"))
    key = (tmp_path / "safe.key").read_text().strip()
    for log in cluster.site.logs.iterdir():
        assert key not in log.read_text(errors="replace")
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # the process ended in the meantime
            assert key.encode() not in command.read_bytes(), command
    assert place.stat().st_mode & 0o077 == 0


def test_each_backup_is_copied_by_itself(
    cluster: ThrowawayCluster, repository: Path, place: Path
) -> None:
    before = last(cluster)
    (repository / "task-db" / "verified").touch()  # as a new one does
    wait.until("a copy", lambda: last(cluster) != before, LIMIT_SECONDS)


def test_a_backup_that_somebody_asks_for_is_copied(cluster: ThrowawayCluster, place: Path) -> None:
    before = last(cluster)
    cluster.admin("backup", "now", "task")
    assert last(cluster) != before


def test_two_copies_at_once_are_made_one_after_the_other(
    cluster: ThrowawayCluster, place: Path
) -> None:
    before = last(cluster)
    both = [cluster.start_admin("backup", "copy") for _ in range(2)]
    printed = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], printed
    newest, second, *_ = copies.store(cluster.site).copies()
    assert newest.name == last(cluster)
    assert before not in (newest.name, second.name)
    cluster.admin("backup", "verify")


def test_an_interrupted_copy_leaves_nothing_that_hinders_the_next_one(
    cluster: ThrowawayCluster, repository: Path, place: Path
) -> None:
    copying = cluster.start_admin("backup", "copy")
    wait.until("the copy", (repository / "copying").exists, LIMIT_SECONDS)
    os.killpg(copying.pid, signal.SIGKILL)
    copying.communicate()
    cluster.admin("backup", "copy")
    assert not (repository / "copying").exists()
    assert health(cluster) == "passing"


def test_a_full_place_is_told_and_heals_by_itself(
    cluster: ThrowawayCluster, repository: Path, place: Path
) -> None:
    filler, noise = place.parent / "filler", repository / "task-db" / "wals" / "noise"
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    subprocess.run(["fallocate", "--length", str(free - 2**20), filler], check=True)
    noise.write_bytes(os.urandom(8 * 2**20))
    shutil.chown(noise, BACKUP_USER)
    try:
        assert "restic backup failed" in refusal(cluster, "backup", "copy")
        assert "the last copy failed" in health(cluster)
    finally:
        filler.unlink()
    before = last(cluster)
    fault = cluster.site.copies_fault
    os.utime(fault, times=(time.time() - 3600, time.time() - 3600))  # it waits some minutes
    (repository / "task-db" / "verified").touch()
    wait.until("a copy", lambda: last(cluster) != before, LIMIT_SECONDS)
    noise.unlink()
    assert health(cluster) == "passing"
    cluster.admin("backup", "verify")


def test_a_place_that_is_not_mounted_is_not_replaced_by_a_folder(
    cluster: ThrowawayCluster, place: Path
) -> None:
    away = place.rename(place.with_name("away"))
    try:
        assert "There are no copies in" in refusal(cluster, "backup", "copy")
        assert not place.exists()
        assert "There are no copies in" in health(cluster)
        result = cluster.admin("doctor", "--json", check=False)
        broken = [f["hop"] for f in json.loads(result.stdout) if f["state"] == "broken"]
        assert broken == ["copies"]
    finally:
        away.rename(place)
    cluster.admin("backup", "copy")
    assert health(cluster) == "passing"


def test_a_damaged_copy_is_found(cluster: ThrowawayCluster, place: Path) -> None:
    packs = [file for file in (place / "data").rglob("*") if file.is_file()]
    pack = max(packs, key=lambda file: file.stat().st_size)
    content = pack.read_bytes()
    pack.chmod(0o600)
    pack.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "are damaged. Look at its disk" in refusal(cluster, "backup", "verify")
    pack.write_bytes(content)
    cluster.admin("backup", "verify")


def test_copies_go_on_after_a_restart(cluster: ThrowawayCluster, place: Path) -> None:
    cluster.admin("down")
    assert "There is no running cluster." in refusal(cluster, "backup", "copy")
    cluster.admin("up")
    assert rows(cluster, "agent")["backups"]["health"] == "passing"
    cluster.admin("backup", "copy")
    assert health(cluster) == "passing"


def test_an_unusable_place_is_refused(cluster: ThrowawayCluster, repository: Path) -> None:
    told = refusal(cluster, "backup", "on", "--copies", "s3:bucket")
    assert "'s3:bucket' is no place." in told
