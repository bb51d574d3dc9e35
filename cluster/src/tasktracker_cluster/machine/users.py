"""The system users of the jobs' programs, and the owners of the databases' files."""

import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tasktracker_cluster.machine import shell, waiting_lock
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    BACKUP_USERS,
    COLLECTING_USERS,
    DATABASES,
    EXPORTER_USERS,
    JOB_USERS,
    MEMBER_USERS,
    OBSERVING_USERS,
    PAGES_USER,
    STORE_USER,
    TRACES_USER,
    Database,
)

NAMES = (Path("/etc/passwd"), Path("/etc/group"))  # which tasks read
LOCK = Path("/etc/.pwd.lock")  # of lckpwdf(3), which useradd and others hold
CREATING = Path("/run/tasktracker-users.lock")  # the users are the machine's, not one site's
USERADD = (
    *("/usr/sbin/useradd", "--system", "--user-group", "--no-create-home"),
    *("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"),
)


def create() -> None:
    """Make the missing system users, without home, shell or password.

    Those of `observe` are made with the others. Running tasks of an earlier version go on.
    """
    with waiting_lock.held(CREATING):
        for file in NAMES:
            take_back(file)
        known = {entry.pw_name for entry in pwd.getpwall()}
        missing = [name for name in _wanted() if name not in known]
        if missing:
            with ExitStack() as stack:
                for file in NAMES:
                    stack.enter_context(same_file(file))
                for name in missing:
                    shell.run([*USERADD, name])


def _wanted() -> tuple[str, ...]:
    observing = (*OBSERVING_USERS.values(), *EXPORTER_USERS, *COLLECTING_USERS, TRACES_USER)
    return (*JOB_USERS, PAGES_USER, STORE_USER, *MEMBER_USERS, *BACKUP_USERS, *observing)


@contextmanager
def same_file(path: Path) -> Iterator[None]:
    """Let a program replace a file meanwhile, and put its content into the file that was there.

    The walls of running tasks have opened that file, and not what has its name later. PostgreSQL,
    for example, would no longer know who connects to its socket.
    """
    take_back(path)
    os.link(path, _kept(path))
    try:
        yield
    finally:
        take_back(path)


def take_back(path: Path) -> None:
    """Give a file that was replaced its name again, with the content of the other one.

    Also one that an interrupted `same_file` has left. Programs that add users wait meanwhile.
    """
    kept = _kept(path)
    if not kept.exists():
        return
    with LOCK.open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        if path.samefile(kept):
            kept.unlink()
        else:
            with kept.open("r+b") as file:  # in one write: users are only added
                file.write(path.read_bytes())
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
            kept.replace(path)


def _kept(path: Path) -> Path:
    return path.with_name(f".{path.name}.tasktracker")


def databases_of_other_users(site: Site) -> list[Database]:
    """Return the databases whose files belong to the system user of an earlier version."""
    return [
        database
        for database in DATABASES
        if site.volume(database.name).stat().st_uid != pwd.getpwnam(database.user).pw_uid
    ]


def change_owner(site: Site, database: Database) -> None:
    """Give a database's files to its system user. The database must not run."""
    owner = f"{database.user}:{database.user}"
    volume = site.volume(database.name)
    shell.run(["chown", "--recursive", "--no-dereference", owner, volume])
