"""The hops from a service to its database: intention, sidecar, PostgreSQL, login, schema."""

import json
from typing import Any

from tasktracker_cluster.doctor import intentions, mesh, service
from tasktracker_cluster.doctor.ground import ENV, LOGS, Ground, restart
from tasktracker_cluster.doctor.walk import Hop
from tasktracker_cluster.errors import BrokenHopError, CommandError
from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.machine import shell


def behind(ground: Ground, name: str) -> list[Hop]:
    """From the service `name`-service to rows of `name`-db."""
    owner, database = f"{name}-service", f"{name}-db"
    return [
        intentions.hop(ground, owner, database),
        Hop("database sidecar", lambda: service.sidecar(ground, database)),
        Hop("database", lambda: _accepts(ground, database)),
        Hop("login", lambda: _login(ground, owner)),
        Hop("schema", lambda: _schema(ground, owner, database)),
    ]


def _accepts(ground: Ground, database: str) -> str:
    allocation = ground.allocation(database)["ID"]
    command = postgres.is_ready(ground.site, database)
    try:
        return shell.run(command).strip().rpartition(" - ")[2]
    except CommandError as error:
        said = error.evidence[-1].rpartition(" - ")[2] if error.evidence else "no answer"
        raise BrokenHopError(f"PostgreSQL: {said}", restart(allocation, "postgres")) from None


def _login(ground: Ground, owner: str) -> str:
    check = _check(ground, owner, "database")
    if check["status"] != "ok":
        raise BrokenHopError(
            f"{owner} cannot use its database: {check['detail']}", f"{LOGS} {owner}"
        )
    return f"{owner} reads it in {check['duration_ms']} ms"


def _schema(ground: Ground, owner: str, database: str) -> str:
    check = _check(ground, owner, "schema")
    query = "select version_num from alembic_version"
    version = shell.run(postgres.query(ground.site, database, query)).strip()
    if check["status"] != "ok":
        # Its first task is the migration: a new allocation runs it.
        raise BrokenHopError(
            f"{check['detail']}: {database} has version {version or 'none'}",
            f"{ENV}; nomad alloc stop {ground.allocation(owner)['ID'][:8]}",
        )
    return f"version {version}"


def _check(ground: Ground, owner: str, name: str) -> dict[str, Any]:
    """What the application itself says of one of its checks, asked as Traefik through the mesh."""
    answer = mesh.get(mesh.dial(ground, ground.instances(owner)[0]), "/health")
    checks: list[dict[str, Any]] = json.loads(answer.text)["checks"]
    return next(check for check in checks if check["name"] == name)
