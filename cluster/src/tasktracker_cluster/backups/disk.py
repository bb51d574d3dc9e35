"""The folder of the repository: in the state folder, or on another disk, to which a link leads."""

import pwd
import shutil
from pathlib import Path
from string import Template

from tasktracker_cluster import topology
from tasktracker_cluster.backups import repository, timelines
from tasktracker_cluster.errors import BadRepositoryError, CommandError
from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP_USER, DATABASES

# A file of each repository. A folder without it is only the place where a disk should be mounted.
MARKER = "tasktracker-repository"
# The folder of a repository into which a copy is restored. It is there until the rebuilding is
# complete: only beside it are the files of an interrupted call, which may be deleted.
ARRIVING = "arriving"
GONE = "the disk of the backups is not there"

_DATABASE = """
[$name]
conninfo = host=127.0.0.1 port=$port user=$role dbname=postgres
streaming_conninfo = host=127.0.0.1 port=$port user=$role
"""


def is_missing(site: Site) -> bool:
    """Return whether the repository is on another disk that is not there."""
    return site.repository.is_symlink() and not (site.repository / MARKER).exists()


def must_be_there(site: Site) -> None:
    """Raise BadRepositoryError when the repository is on another disk that is not there."""
    if is_missing(site):
        raise BadRepositoryError(
            f"{GONE.capitalize()}: {site.repository.resolve()} has none.",
            "Mount it, or choose another folder: ./just backup on --to FOLDER",
        )


def must_be_whole(folder: Path) -> None:
    """Raise BadRepositoryError for the folder of a rebuilding from a copy that was interrupted."""
    if (folder / ARRIVING).exists():
        raise BadRepositoryError(
            f"{folder} has only a part of a copy: `rebuild` was interrupted.",
            "Repeat it from the copies, with --key FILE, or choose another folder.",
        )


def create(site: Site, folder: Path | None = None) -> None:
    """Make the folders of the repository, or correct them, and write Barman's settings.

    Raises BadRepositoryError when `folder` cannot be the repository, or its disk is not there. Then
    nothing that this made is left.
    """
    site.backup.mkdir(exist_ok=True, mode=0o755)
    if folder is None or site.repository.resolve() == folder.resolve():
        must_be_there(site)
        _prepare(site)
        return
    _must_be_free(site, folder)
    old = site.repository.readlink() if site.repository.is_symlink() else None
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    site.repository.unlink(missing_ok=True)
    site.repository.symlink_to(folder)
    try:
        _prepare(site)
    except BadRepositoryError:
        site.repository.unlink()
        if old is not None:
            site.repository.symlink_to(old)
        for each in made:
            each.rmdir()
        raise


def _must_be_free(site: Site, folder: Path) -> None:
    if site.repository.exists() and not is_missing(site):
        raise BadRepositoryError(
            f"The repository is in {site.repository.resolve()} already.",
            f"Move it to {folder}, and make {site.repository} a link to it.",
        )
    if folder.exists() and (not folder.is_dir() or _belongs_to_others(folder)):
        raise BadRepositoryError(f"{folder} has files that are no backups.", "Choose a new folder.")


def _belongs_to_others(folder: Path) -> bool:
    # Not by its name: a folder of another machine may have an owner that has none here.
    return folder.stat().st_uid != pwd.getpwnam(BACKUP_USER).pw_uid and any(folder.iterdir())


def _prepare(site: Site) -> None:
    was_on = repository.is_on(site)
    site.repository.resolve().mkdir(exist_ok=True, mode=0o700)
    shutil.chown(site.repository, BACKUP_USER, BACKUP_USER)
    site.repository.chmod(0o700)
    files.write(site.barman_conf, _settings(site))
    try:
        repository.run(site, "/usr/bin/test", "-w", str(site.repository))
    except CommandError:
        if not was_on:
            site.barman_conf.unlink()
        raise BadRepositoryError(
            f"The user {BACKUP_USER} cannot enter {site.repository.resolve()}.",
            "Choose a folder below one that every user can enter.",
        ) from None
    (site.repository / MARKER).touch()
    for database in DATABASES:
        timelines.begin(site, database.name)


def _settings(site: Site) -> str:
    template = (site.checkout / "nomad/jobs/backup/barman.conf.tmpl").read_text()
    databases = [
        Template(_DATABASE).substitute(
            name=each.name, port=each.dev_port, role=each.role(topology.BACKUP_ROLE)
        )
        for each in DATABASES
    ]
    return Template(template).substitute(
        user=BACKUP_USER,
        repository=site.repository,
        pgbin=postgres.BIN,
        databases="".join(databases),
    )
