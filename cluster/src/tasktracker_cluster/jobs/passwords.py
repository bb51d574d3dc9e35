"""The databases' passwords, as Nomad Variables: each under a path that one task alone can read."""

import secrets

from tasktracker_cluster.agents import variables
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.topology import SERVICES


def make(cluster: Cluster) -> None:
    """Give each task its passwords. One that exists is never replaced."""
    for service in SERVICES:
        if service.database is None:
            continue
        roles = variables.keep(
            cluster.nomad,
            f"nomad/jobs/{service.database.name}/db/prepare",
            {"owner_password": _new(), "app_password": _new()},
        )
        for task, role in (("migrate", "owner"), ("app", "app")):
            variables.keep(
                cluster.nomad,
                f"nomad/jobs/{service.name}/api/{task}",
                {"database_password": roles[f"{role}_password"]},
            )


def _new() -> str:
    """Return a random text of 64 characters, safe in a URL and in a file of variables."""
    return secrets.token_urlsafe(48)
