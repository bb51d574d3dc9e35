"""The databases' passwords, in Nomad Variables: only one task can read each path."""

import secrets

from tasktracker_cluster.agents import variables
from tasktracker_cluster.cluster import LOGS_PASSWORD, Cluster
from tasktracker_cluster.topology import LOGS, SERVICES


def make(cluster: Cluster) -> None:
    """Give each task its passwords. An existing password is never replaced."""
    for service in SERVICES:
        if service.database is None:
            continue
        roles = variables.ensure(
            cluster.nomad,
            f"nomad/jobs/{service.database.name}/db/prepare",
            {"owner_password": _random_password(), "app_password": _random_password()},
        )
        for task, role in (("migrate", "owner"), ("app", "app")):
            variables.ensure(
                cluster.nomad,
                f"nomad/jobs/{service.name}/api/{task}",
                {"database_password": roles[f"{role}_password"]},
            )


def make_log_stores(cluster: Cluster) -> None:
    """Give the store of logs and its collector one password. An existing one is not replaced."""
    made = variables.ensure(cluster.nomad, LOGS_PASSWORD, {"password": _random_password()})
    variables.ensure(cluster.nomad, f"nomad/jobs/{LOGS}/store/vlagent", made)


def _random_password() -> str:
    """Return a random text of 64 characters, safe in a URL and in a file of variables."""
    return secrets.token_urlsafe(48)
