"""The repository of backups on this machine, as Barman describes it."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasktracker_cluster.errors import BackupsOffError, NoSpaceError
from tasktracker_cluster.jobs.postgres import BIN
from tasktracker_cluster.machine import preflight, shell, tools
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP_USER

GIB = 2**30
ENVIRONMENT = {"HOME": "/nonexistent", "PATH": f"{BIN}:/usr/bin:/bin", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Backup:
    """A base backup of a database. `size` is in bytes.

    `end` is the earliest time that it can be restored to. It `is_good` when its checksums were
    right after it was made.
    """

    database: str
    name: str
    end: datetime
    size: int
    is_good: bool

    def folder(self, site: Site) -> Path:
        """Return the data folder of the database, as it was copied."""
        return site.repository / self.database / "base" / self.name / "data"


def is_on(site: Site) -> bool:
    """Return whether this machine keeps backups."""
    return site.barman_conf.exists()


def must_be_on(site: Site) -> None:
    """Raise BackupsOffError unless this machine keeps backups.

    Raises UnfitMachineError on a machine that has joined, which never does.
    """
    preflight.must_be_first(site, "./just backup, ./just restore")
    if not is_on(site):
        raise BackupsOffError("This machine keeps no backups.", "Start them: ./just backup on")


def backups(site: Site, database: str) -> list[Backup]:
    """Return the complete base backups of a database, the newest first. Raises CommandError."""
    printed = run(site, *barman(site, "--format", "json", "list-backups", database))
    listed = json.loads(printed)[database]
    verified = _verified(site, database)
    found = [
        Backup(
            database,
            each["backup_id"],
            # Barman cuts it to seconds: a second later the backup is complete for sure.
            datetime.fromtimestamp(int(each["end_time_timestamp"]) + 1, UTC),
            int(each["size_bytes"]),
            each["backup_id"] in verified,
        )
        for each in listed
        if each["status"] == "DONE"
    ]
    return sorted(found, key=lambda each: each.name, reverse=True)


def has_space_for_another(site: Site, listed: list[Backup]) -> bool:
    """Return whether a backup as large as the newest one of these fits. The job makes none else."""
    return not listed or shutil.disk_usage(site.repository).free >= listed[0].size


def is_unbroken(site: Site, backup: Backup) -> bool:
    """Return whether the log was received from a backup on without a hole, and of the same data."""
    if _replaced(site, backup.database).exists():
        return False
    file = site.repository / backup.database / "anew"  # when it began anew, a time in each line
    times = file.read_text().split() if file.exists() else []
    return all(datetime.fromisoformat(each) <= backup.end for each in times)


def begin_anew(site: Site, database: str) -> None:
    """Let the job receive the log of other data from their beginning, and then make a backup.

    They are about to take the place of those that the database has. Raises CommandError.
    """
    run(site, "/bin/mkdir", "--parents", str(_replaced(site, database).parent))
    run(site, "/usr/bin/touch", str(_replaced(site, database)))


def go_on(site: Site, database: str) -> None:
    """Take `begin_anew` back: the database keeps its data. Raises CommandError."""
    run(site, "/bin/rm", "--force", str(_replaced(site, database)))


def must_have_space(folder: Path, needed: int, purpose: str) -> None:
    """Raise NoSpaceError unless the file system of a folder has so many bytes for a purpose."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoSpaceError(
            f"{folder} has {free / GIB:.2f} GiB of free space; {purpose} needs "
            f"{needed / GIB:.2f} GiB.",
            "Delete files there, or move the repository to a larger disk.",
        )


def barman(site: Site, *words: str) -> tuple[str, ...]:
    """Return a command of Barman, for `run`."""
    return (f"{site.release.resolve()}/bin/barman", "--config", str(site.barman_conf), *words)


def run(site: Site, *command: str) -> str:
    """Run a program as the user of the repository, behind its wall, and return what it prints.

    It reaches the repository and nothing else. Raises CommandError.
    """
    return shell.run([*wall(site), "--", *command], cwd=Path("/"), env=ENVIRONMENT)


def wall(site: Site) -> tuple[str, ...]:
    """Return the start of a command behind the wall of the repository.

    Two such programs cannot send signals to each other.
    """
    return (
        f"{site.bin / tools.WALL}",
        f"--user={BACKUP_USER}",
        f"--read={site.release.resolve()}",
        f"--read={site.barman_conf}",
        f"--write={site.repository}",
    )


def _replaced(site: Site, database: str) -> Path:
    return site.repository / database / "replaced"  # nomad/jobs/backup/keep.sh deletes it


def _verified(site: Site, database: str) -> set[str]:
    file = site.repository / database / "verified"
    return set(file.read_text().split()) if file.exists() else set()
