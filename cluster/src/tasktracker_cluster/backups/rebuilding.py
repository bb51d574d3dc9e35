"""A new cluster's databases from a repository alone, or from a copy of one, before anything runs.

The repository has the data. All secrets are made anew by `up`, as for any new cluster: whoever has
those of the lost machine can do nothing with them here (docs/decisions/0062-copies.md).
"""

import shutil
from datetime import datetime
from pathlib import Path

from tasktracker_cluster.backups import copying, disk, exchange, recovery, repository, timelines
from tasktracker_cluster.backups.disk import ARRIVING
from tasktracker_cluster.backups.recovery import Restored
from tasktracker_cluster.backups.restic import Store
from tasktracker_cluster.errors import BadRepositoryError, NoCopyError, StaleStateError
from tasktracker_cluster.machine import shell
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP_USER, DATABASES


def must_be_possible(site: Site, source: Store | Path) -> None:
    """Raise StaleStateError when there are data of a cluster already.

    Raises BadRepositoryError when the source is a folder without a repository.
    """
    data = [site.volume(each.name) / "data" for each in DATABASES]
    known = [each for each in (*data, site.home / "consul" / "raft") if each.exists()]
    if known and not site.rebuilding_file.exists():
        raise StaleStateError(
            f"There is a cluster already: {known[0]}.",
            "Restore one of its databases: ./just restore. Or delete it all: ./just destroy",
        )
    if isinstance(source, Path):
        _must_be_a_repository(source)


def must_be_complete(site: Site) -> None:
    """Raise StaleStateError when a rebuilding was interrupted: a database would begin empty."""
    if site.rebuilding_file.exists():
        raise StaleStateError(
            "The databases are restored in part only: `rebuild` was interrupted.",
            "Repeat it, or delete everything with: ./just destroy",
        )


def rebuild(
    site: Site, steps: Steps, source: Store | Path, folder: Path | None, to: datetime | None
) -> list[Restored]:
    """Restore both databases, for `up` to start on, and return what was restored.

    `source` are copies, restored to `folder` or into the state folder, or a repository, which is
    used where it is. Backups go on in it. What an interrupted call left is replaced. Raises
    NoCopyError, NoSpaceError, BadRepositoryError, and what recovery.restored does.
    """
    must_be_possible(site, source)
    site.rebuilding_file.touch()
    for database in DATABASES:
        shutil.rmtree(site.volume(database.name) / "data", ignore_errors=True)
    with steps.step("repository") as step:
        if isinstance(source, Path):
            _use(site, source)
        else:
            _fetch(site, source, folder)
        step.detail = str(site.repository.resolve())
    restored = [_database(site, steps, each.name, to) for each in DATABASES]
    # First the folder: it must never stay in a repository that is in use.
    if (site.repository / ARRIVING).exists():
        shutil.rmtree(site.repository / ARRIVING)
    site.rebuilding_file.unlink()
    return restored


def _must_be_a_repository(folder: Path) -> None:
    if not (folder / disk.MARKER).exists():
        raise BadRepositoryError(
            f"{folder} is no repository of backups.",
            "Is its disk mounted? For copies, give their key: --key FILE",
        )
    disk.must_be_whole(folder)


def _must_be_new(folder: Path) -> None:
    """Raise BadRepositoryError when a folder has files that this command did not write."""
    if (folder / ARRIVING).exists() or not folder.is_dir() or not any(folder.iterdir()):
        return
    raise BadRepositoryError(
        f"{folder} is not empty: a copy is not restored over other files.",
        f"Give a new folder: --backups FOLDER. If it has the backups, use them: --from {folder}",
    )


def _use(site: Site, folder: Path) -> None:
    _own(folder)
    disk.create(site, folder)


def _fetch(site: Site, store: Store, folder: Path | None) -> None:
    """Restore the newest copy of a repository."""
    found = store.copies()
    if not found:
        raise NoCopyError(f"There are no copies in {store.place}.", "Name another place.")
    newest = found[0]
    linked, agents = (
        next(each for each in newest.folders if each.name == name)
        for name in (copying.LINKED, copying.AGENTS)
    )
    _must_be_new(folder or site.repository.resolve())
    disk.create(site, folder)
    place = site.repository.resolve()
    (place / ARRIVING).mkdir(exist_ok=True, mode=0o700)
    for old in filter(Path.is_dir, place.iterdir()):  # of an interrupted call
        if old.name != ARRIVING:
            shutil.rmtree(old)
    for old in (place / ARRIVING).iterdir():
        shutil.rmtree(old)
    repository.must_have_space(place, store.size(newest), "the copy")
    store.restore(newest, place / ARRIVING)
    for each in (place / ARRIVING / linked.relative_to("/")).iterdir():
        each.rename(place / each.name)
    shutil.rmtree(site.backup / copying.AGENTS, ignore_errors=True)
    shutil.move(place / ARRIVING / agents.relative_to("/"), site.backup / copying.AGENTS)
    (place / "locks").mkdir(mode=0o700)
    _own(place)


def _database(site: Site, steps: Steps, database: str, to: datetime | None) -> Restored:
    with recovery.restored(site, steps, database, to) as restored:
        if to is not None:  # so that a later time can still be restored
            timelines.note_newest_end(site, database)
        repository.begin_anew(site, database)
        exchange.place(restored, site.volume(database) / "data")
    return restored


def _own(folder: Path) -> None:
    # The user has another number on each machine.
    owner = f"{BACKUP_USER}:{BACKUP_USER}"
    shell.run(["chown", "--recursive", "--no-dereference", owner, folder])
