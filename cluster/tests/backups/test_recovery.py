"""backups.recovery: the backup that a restore starts from."""

import gzip
import hashlib
import re
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from cluster.tests.backups.conftest import Listing, backup
from tasktracker_cluster.backups import recovery, repository
from tasktracker_cluster.backups.recovery import Sum, Target
from tasktracker_cluster.backups.repository import Backup
from tasktracker_cluster.errors import (
    BackupsOffError,
    BadTimeError,
    DamagedBackupError,
    NoBackupError,
    RestoreFailedError,
)
from tasktracker_cluster.machine import wait
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site

NOON = datetime(2025, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_without_backups_nothing_is_restored(site: Site) -> None:
    with pytest.raises(BackupsOffError):
        recovery.fitting(site, "task-db", None)


def test_without_a_first_backup_nothing_is_restored(site: Site, listing: Listing) -> None:
    with pytest.raises(NoBackupError):
        recovery.fitting(site, "task-db", None)


def test_a_time_in_the_future_is_refused(site: Site, listing: Listing) -> None:
    listing(backup(NOON))
    with pytest.raises(BadTimeError, match="future"):
        recovery.fitting(site, "task-db", datetime.now(UTC) + HOUR)


def test_a_time_before_the_first_backup_was_complete_is_refused(
    site: Site, listing: Listing
) -> None:
    listing(backup(NOON), backup(NOON + HOUR))
    with pytest.raises(BadTimeError, match="complete only since"):
        recovery.fitting(site, "task-db", NOON)


@pytest.mark.parametrize(
    ("to", "name"),
    [
        (None, "20251127T130000"),
        (NOON + 2 * HOUR, "20251127T130000"),
        (NOON + HOUR, "20251127T120000"),
        (NOON + timedelta(seconds=1), "20251127T120000"),
    ],
)
def test_a_restore_starts_from_the_last_backup_before_its_time(
    site: Site, listing: Listing, to: datetime | None, name: str
) -> None:
    listing(backup(NOON), backup(NOON + HOUR))
    assert recovery.fitting(site, "task-db", to)[0].name == name


def has_checksums(backup: Backup, site: Site) -> None:
    """Give a backup a manifest of no files, which is right."""
    manifest = '{"PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [],\n"WAL-Ranges": [],\n'
    checksum = hashlib.sha256(manifest.encode()).hexdigest()
    folder = backup.folder(site)
    folder.mkdir(parents=True)
    (folder / "backup_manifest").write_text(f'{manifest}"Manifest-Checksum": "{checksum}"}}\n')


def test_a_damaged_backup_is_left_out(site: Site, listing: Listing) -> None:
    listing(backup(NOON), backup(NOON + HOUR), backup(NOON + 2 * HOUR))
    newest, second, oldest = known = recovery.fitting(site, "task-db", None)
    steps = Steps(Console(quiet=True))
    with pytest.raises(DamagedBackupError, match=newest.name):
        recovery.choose(site, steps, known)
    has_checksums(oldest, site)
    assert recovery.choose(site, steps, known) == oldest
    has_checksums(second, site)
    assert recovery.choose(site, steps, known) == second


def test_the_rows_of_tables_are_read_from_what_psql_prints() -> None:
    assert recovery.counts("alembic_version|1\ntasks|12\n\n") == {"alembic_version": 1, "tasks": 12}


def test_the_content_of_tables_is_read_between_other_lines() -> None:
    printed = "0/3000060\ntasks|12|-5\nalembic_version|1|99\n0/3000100\n"
    assert recovery.sums(printed) == {
        "alembic_version": Sum(1, "99"),
        "tasks": Sum(12, "-5"),
    }


def test_a_restored_server_that_does_not_stop_is_an_error_and_is_ended(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = tmp_path / "ready"
    deaf = f"trap '' INT; touch {ready}; exec sleep 60"
    monkeypatch.setattr(repository, "wall", lambda _: ("/bin/sh", "-c", deaf))
    monkeypatch.setattr(recovery, "STOPPING_SECONDS", 0.1)
    with (
        pytest.raises(RestoreFailedError, match="did not stop"),
        recovery._server(site, tmp_path) as server,
    ):
        wait.until("the server", ready.exists, 30)
    assert server.poll() == -signal.SIGQUIT


@pytest.mark.parametrize(
    "stored", [b"a part of the log", gzip.compress(b"a part of the log")], ids=["raw", "gzip"]
)
def test_a_segment_is_restored_as_it_was_whether_barman_gives_it_compressed_or_not(
    site: Site, listing: Listing, tmp_path: Path, stored: bytes
) -> None:
    target = tmp_path / "RECOVERYXLOG"
    (site.home / "listed").write_bytes(stored)
    assert restore(site, target) == 0
    assert target.read_bytes() == b"a part of the log"
    (site.home / "listed").unlink()
    assert restore(site, target) != 0, "the end of the log"


def restore(site: Site, target: Path) -> int:
    """Run the command with which PostgreSQL gets a segment, and return its exit code."""
    settings = recovery.settings(site, target.parent, "task-db", Target(), "latest")
    (command,) = re.findall(r"restore_command = '(.*)'", settings)
    words = command.replace("%f", "000000020000000000000003").replace("%p", str(target))
    return subprocess.run(
        ["/bin/sh", "-c", words], check=False, stderr=subprocess.DEVNULL
    ).returncode
