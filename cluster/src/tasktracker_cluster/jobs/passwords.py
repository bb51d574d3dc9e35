"""The passwords of databases and stores, in Nomad Variables: only one task can read each path.

The variable of a database has the password of each of its roles, and of a role that may not log in
an empty one. A rotation lets a role and its twin log in in turn. `rotation` counts its steps, two
for each rotation: an odd number says that one goes on, in which both may. `series` says that the
variables were made together: two steps of one series can be compared (roles.sh).
"""

import hashlib
import json
import secrets

from tasktracker_cluster.agents import nomad, variables
from tasktracker_cluster.cluster import LOGS_PASSWORD, Cluster
from tasktracker_cluster.topology import (
    BACKUP,
    BACKUP_JOBS,
    COLLECTING_PROGRAMS,
    COLLECTOR,
    DATABASES,
    EXPORTER,
    LOGS,
    MAIN_TASKS,
    METRICS,
    OBSERVING_JOBS,
    ROLES,
    SERVICES,
    SIGNER,
    TURNS,
    TWINS,
    Database,
    Service,
)

PATRONI = "patroni"  # its own API asks for a password before it changes anything
CLIENTS = tuple(service for service in SERVICES if service.database)
_TASKS = {"owner": "migrate", "app": "app"}  # of a service, which log in as these

Items = dict[str, str]


def make(cluster: Cluster) -> None:
    """Give each task its passwords. An existing password is never replaced."""
    backups, monitors = {}, {}
    for database in DATABASES:
        roles = _of_roles(cluster, database)
        for kind in TURNS:
            path = _path(_client(database), kind)
            known = variables.ensure(cluster.nomad, path, login(database, kind, roles))
            if "database_role" not in known:  # an earlier version had no twins
                name = {"database_role": database.role(kind)}
                variables.change(cluster.nomad, path, name)
        item = f"{database.noun}_db_password"
        backups[item], monitors[item] = roles["backup_password"], roles["monitor_password"]
    variables.ensure(cluster.nomad, f"nomad/jobs/{BACKUP}/archive/{BACKUP_JOBS[BACKUP]}", backups)
    path = f"nomad/jobs/{EXPORTER}/databases/{OBSERVING_JOBS[EXPORTER]}"
    variables.ensure(cluster.nomad, path, monitors)


def of(cluster: Cluster, database: Database) -> Items:
    """Return the items of a database's variable. Raises ApiError when it does not exist."""
    return variables.read(cluster.nomad, _path_of(database))


def due(cluster: Cluster) -> list[Database]:
    """Return the databases that take part in the next rotation: all of them.

    To complete an interrupted one, those for which it goes on or has not begun.
    """
    known = {database: int(of(cluster, database)["rotation"]) for database in DATABASES}
    begun = [step for step in known.values() if step % 2 == 1]
    if not begun:
        return list(known)
    return [database for database, step in known.items() if step <= max(begun)]


def begin(cluster: Cluster, database: Database) -> Items:
    """Give the roles whose turn is next new passwords, and return all items.

    While a rotation goes on, its passwords stay: they may be in use.
    """
    items = of(cluster, database)
    if is_rotating(items):
        return items
    step = int(items["rotation"]) + 1
    new = {f"{_turn(kind, step)}_password": _random_password() for kind in TURNS}
    return _store(cluster, database, {**items, **new, "rotation": str(step)})


def hand_over(cluster: Cluster) -> None:
    """Give the tasks of the services the roles and passwords whose turn it is."""
    for database in DATABASES:
        items = of(cluster, database)
        for kind in TURNS:
            path = _path(_client(database), kind)
            variables.change(cluster.nomad, path, login(database, kind, items))


def ended(items: Items) -> Items:
    """Return the items at the end of a rotation: nobody logs in as the roles before."""
    step = int(items["rotation"])
    now = {_turn(kind, step) for kind in TURNS}
    old = {f"{role}_password": "" for role in (*TURNS, *TWINS) if role not in now}
    return {**items, **old, "rotation": str(step + 1)}


def end(cluster: Cluster, database: Database) -> None:
    """Record the end of a rotation."""
    _store(cluster, database, ended(of(cluster, database)))


def is_rotating(items: Items) -> bool:
    """Return whether a rotation goes on, or was interrupted."""
    return int(items["rotation"]) % 2 == 1


def login(database: Database, kind: str, items: Items) -> Items:
    """Return what a service's task logs in with, from the items of the database's variable."""
    turn = _turn(kind, int(items["rotation"]))
    return {"database_role": database.role(turn), "database_password": items[f"{turn}_password"]}


def name(cluster: Cluster) -> str:
    """Return a name for what the services log in with. Another one makes another version of a job.

    Everybody may read it. A digest tells nothing of passwords that nobody can guess.
    """
    paths = [_path(service, kind) for service in CLIENTS for kind in TURNS]
    found = [variables.find(cluster.nomad, path) for path in paths]
    logins = [(items.get("database_role"), items.get("database_password")) for items in found]
    return hashlib.sha256(json.dumps(logins).encode()).hexdigest()[:16]


def deployed() -> str:
    """Return the name of what the running services log in with, empty when there are none."""
    return nomad.meta(nomad.public_job(SIGNER)).get("database_logins", "")


def _of_roles(cluster: Cluster, database: Database) -> Items:
    """Return the items of a database's variable. The password of a new role is made."""
    path, old = _path_of(database), f"nomad/jobs/{database.name}/db/prepare"
    made = (role for role in (*ROLES, PATRONI) if role not in TWINS)
    new = {
        "series": secrets.token_hex(8),
        "rotation": "0",
        **{f"{role}_password": _random_password() for role in made},
        **{f"{role}_password": "" for role in TWINS},
    }
    # An earlier version had a task `prepare` for the roles.
    known = variables.ensure(cluster.nomad, path, {**new, **variables.find(cluster.nomad, old)})
    variables.delete(cluster.nomad, old)
    missing = {name: value for name, value in new.items() if name not in known}
    if missing:  # an earlier version had fewer roles
        variables.change(cluster.nomad, path, missing)
    return {**known, **missing}


def make_log_stores(cluster: Cluster) -> None:
    """Give the store of logs and all who add to it one password. An existing one is not replaced.

    Other machines add metrics with it, too.
    """
    made = variables.ensure(cluster.nomad, LOGS_PASSWORD, {"password": _random_password()})
    for task in ("vlagent", "vmauth"):
        variables.ensure(cluster.nomad, f"nomad/jobs/{LOGS}/store/{task}", made)
    for task in COLLECTING_PROGRAMS:
        variables.ensure(cluster.nomad, f"nomad/jobs/{COLLECTOR}/machine/{task}", made)


def make_metrics_store(cluster: Cluster) -> None:
    """Give the store of metrics the key without which nobody deletes anything there."""
    path = f"nomad/jobs/{METRICS}/store/{OBSERVING_JOBS[METRICS]}"
    variables.ensure(cluster.nomad, path, {"key": _random_password()})


def _turn(kind: str, step: int) -> str:
    """Return the role of a kind whose turn it is after so many steps."""
    return f"{kind}_twin" if step % 4 in (1, 2) else kind


def _client(database: Database) -> Service:
    return next(service for service in CLIENTS if service.database == database)


def _path(service: Service, kind: str) -> str:
    return f"nomad/jobs/{service.name}/api/{_TASKS[kind]}"


def _path_of(database: Database) -> str:
    return f"nomad/jobs/{database.name}/db/{MAIN_TASKS[database.name]}"


def _store(cluster: Cluster, database: Database, items: Items) -> Items:
    variables.change(cluster.nomad, _path_of(database), items)
    return items


def _random_password() -> str:
    """Return a random text of 64 characters, safe in a URL and in a file of variables."""
    return secrets.token_urlsafe(48)
