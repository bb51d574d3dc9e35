"""The system users of the jobs' programs, and the owners of the databases' files."""

import pwd

from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    BACKUP_USERS,
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

USERADD = (
    *("/usr/sbin/useradd", "--system", "--user-group", "--no-create-home"),
    *("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"),
)


def create() -> None:
    """Make the missing system users, without home, shell or password.

    Those of `observe` are made with the others, before a task starts: a new user makes a new
    /etc/passwd, which a task behind its wall could not read any more. PostgreSQL would then not
    know who connects to its socket.
    """
    known = {entry.pw_name for entry in pwd.getpwall()}
    others = (PAGES_USER, STORE_USER, *OBSERVING_USERS.values(), *EXPORTER_USERS, TRACES_USER)
    for name in (*JOB_USERS, *MEMBER_USERS, *BACKUP_USERS, *others):
        if name not in known:
            shell.run([*USERADD, name])


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
