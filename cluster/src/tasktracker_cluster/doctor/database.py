"""The hops from a service to its database: intention, sidecar, PostgreSQL, login, schema."""

import json
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from typing import Any

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import connection, instances, intentions, service
from tasktracker_cluster.doctor.hops import Hop
from tasktracker_cluster.doctor.repairs import LOGS, UP, replace, restart
from tasktracker_cluster.errors import BrokenHopError, CommandError
from tasktracker_cluster.jobs import numbers, postgres, replication
from tasktracker_cluster.jobs.replication import Member
from tasktracker_cluster.machine import shell
from tasktracker_cluster.mesh import catalog, requests
from tasktracker_cluster.mesh.catalog import Sidecar


def hops(cluster: Cluster, owner: str, database: str) -> list[Hop]:
    """Return the hops from the service `owner` to the rows of its database."""
    return [
        intentions.hop(cluster, owner, database),
        Hop("database sidecar", lambda: service.sidecar(cluster, database)),
        Hop("database", lambda: _accepts(cluster, database)),
        Hop("leader", lambda: _leader(cluster, database)),
        Hop("login", lambda: _login(cluster, owner)),
        Hop("schema", lambda: _schema(cluster, owner, database)),
    ]


def _accepts(cluster: Cluster, database: str) -> str:
    if not _has_member(cluster, database):
        return "no member on this machine"
    allocation = instances.local(cluster, database)["ID"]
    command = postgres.is_ready(cluster.site, database)
    try:
        return shell.run(command).strip().rpartition(" - ")[2]
    except CommandError as error:
        reason = error.evidence[-1].rpartition(" - ")[2] if error.evidence else "no response"
        raise BrokenHopError(f"PostgreSQL: {reason}", restart(allocation, "postgres")) from None


def _has_member(cluster: Cluster, database: str) -> bool:
    """Return whether this machine shall have a member. The first one has the first member."""
    return cluster.site.node.is_first or bool(instances.here(cluster, database))


def _leader(cluster: Cluster, database: str) -> str:
    """Name the member that leads, and how far the others are behind it."""
    members = replication.members_of(cluster.consul, database)
    leaders = [each for each in members if each.role == replication.LEADER]
    if not leaders:
        raise BrokenHopError("no member leads", f"{LOGS} {database}")
    if name := _without_member(cluster, members):
        raise BrokenHopError(f"{name} has no member", f"On {name}: {UP}")
    for each in members:
        if not each.is_well:
            machine = numbers.machine(cluster.consul, each.name) or "a machine that left"
            where = f"{each.name}{catalog.on(cluster, machine)}"
            raise BrokenHopError(f"the member {where} is {each.state}", f"{LOGS} {database}")
    return "; ".join(f"{each.name} {each.told}" for each in members)


def _without_member(cluster: Cluster, members: list[Member]) -> str:
    """Return a machine that takes jobs and has a number, but no member; empty: there is none."""
    known, names = numbers.known(cluster.consul), {each.name for each in members}
    ready = {each.name for each in nomad.nodes(cluster.nomad) if each.takes_jobs}
    missing = [name for name in sorted(ready & known.keys()) if f"m{known[name]}" not in names]
    return missing[0] if missing else ""


def _login(cluster: Cluster, owner: str) -> str:
    slowest = 0
    for instance, check in _checks(cluster, owner, "database"):
        if check["status"] != "ok":
            place = catalog.on(cluster, instance.node)
            raise BrokenHopError(
                f"{owner}{place} cannot use its database: {check['detail']}", f"{LOGS} {owner}"
            )
        slowest = max(slowest, check["duration_ms"])
    return f"{owner} reads it in {slowest} ms"


def _schema(cluster: Cluster, owner: str, database: str) -> str:
    told, there = "as the service needs it", ""
    if _has_member(cluster, database):
        query = "select version_num from alembic_version"
        version = shell.run(postgres.query(cluster.site, database, query)).strip()
        told, there = f"version {version}", f": {database} has version {version or 'none'}"
    for instance, check in _checks(cluster, owner, "schema"):
        if check["status"] != "ok":
            # A new allocation runs the migration, which is its first task.
            raise BrokenHopError(f"{check['detail']}{there}", replace(instance.allocation))
    return told


def _checks(cluster: Cluster, owner: str, name: str) -> Iterator[tuple[Sidecar, dict[str, Any]]]:
    """Yield one check of each application's own /health, requested through the mesh as Traefik."""
    for instance in instances.sidecars(cluster, owner):
        found: dict[str, Any] | None = None
        try:
            answer = requests.get(connection.dial(cluster, instance), "/health")
        except (OSError, HTTPException) as error:
            told = str(error) or type(error).__name__
        else:
            told = f"status {answer.status} without the check of the {name}"
            with suppress(ValueError, LookupError):  # the answer of another, such as its sidecar
                known = {each["name"]: each for each in json.loads(answer.text)["checks"]}
                found = known[name]
        if found is None:
            place, repair = catalog.on(cluster, instance.node), restart(instance.allocation, "app")
            raise BrokenHopError(f"{owner}{place} tells no health: {told}", repair)
        yield instance, found
