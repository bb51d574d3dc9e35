"""The passwords of databases and stores, in Nomad Variables: only one task can read each path."""

import secrets

from tasktracker_cluster.agents import variables
from tasktracker_cluster.cluster import LOGS_PASSWORD, Cluster
from tasktracker_cluster.topology import (
    BACKUP,
    BACKUP_JOBS,
    EXPORTER,
    LOGS,
    METRICS,
    OBSERVING_JOBS,
    ROLES,
    SERVICES,
    Database,
)

PATRONI = "patroni"  # its own API asks for a password before it changes anything


def make(cluster: Cluster) -> None:
    """Give each task its passwords. An existing password is never replaced."""
    backups, monitors = {}, {}
    for service in SERVICES:
        if service.database is None:
            continue
        roles = _of_roles(cluster, service.database)
        for task, role in (("migrate", "owner"), ("app", "app")):
            variables.ensure(
                cluster.nomad,
                f"nomad/jobs/{service.name}/api/{task}",
                {"database_password": roles[f"{role}_password"]},
            )
        item = f"{service.database.noun}_db_password"
        backups[item], monitors[item] = roles["backup_password"], roles["monitor_password"]
    variables.ensure(cluster.nomad, f"nomad/jobs/{BACKUP}/archive/{BACKUP_JOBS[BACKUP]}", backups)
    path = f"nomad/jobs/{EXPORTER}/databases/{OBSERVING_JOBS[EXPORTER]}"
    variables.ensure(cluster.nomad, path, monitors)


def _of_roles(cluster: Cluster, database: Database) -> dict[str, str]:
    """Return the password of each role of a database. Those of a new role are made."""
    path, old = (f"nomad/jobs/{database.name}/db/{task}" for task in ("postgres", "prepare"))
    new = {f"{role}_password": _random_password() for role in (*ROLES, PATRONI)}
    # An earlier version had a task `prepare` for the roles.
    known = variables.ensure(cluster.nomad, path, {**new, **variables.find(cluster.nomad, old)})
    variables.delete(cluster.nomad, old)
    missing = {name: value for name, value in new.items() if name not in known}
    if missing:  # an earlier version had fewer roles
        variables.change(cluster.nomad, path, missing)
    return {**known, **missing}


def make_log_stores(cluster: Cluster) -> None:
    """Give the store of logs and its collector one password. An existing one is not replaced."""
    made = variables.ensure(cluster.nomad, LOGS_PASSWORD, {"password": _random_password()})
    variables.ensure(cluster.nomad, f"nomad/jobs/{LOGS}/store/vlagent", made)


def make_metrics_store(cluster: Cluster) -> None:
    """Give the store of metrics the key without which nobody deletes anything there."""
    path = f"nomad/jobs/{METRICS}/store/{OBSERVING_JOBS[METRICS]}"
    variables.ensure(cluster.nomad, path, {"key": _random_password()})


def _random_password() -> str:
    """Return a random text of 64 characters, safe in a URL and in a file of variables."""
    return secrets.token_urlsafe(48)
