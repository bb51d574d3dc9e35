"""The cluster's figures, computed from two snapshots."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError
from tasktracker_cluster.jobs import allocations, replication
from tasktracker_cluster.jobs.allocations import Allocation
from tasktracker_cluster.mesh import catalog
from tasktracker_cluster.monitoring import status
from tasktracker_cluster.monitoring.histogram import Histogram, Labels
from tasktracker_cluster.topology import DATABASES, GATEWAY, JOBS, RELEASE_JOBS, SERVICES

LIMIT_SECONDS = 5  # for an answer of a database whose leader is on another machine

OWN_ROUTES = ("/health", "/health/live", "/metrics", "/openapi.json")  # the cluster calls them
CONNECTIONS = (
    "select count(*) from pg_stat_activity "
    "where backend_type = 'client backend' and pid <> pg_backend_pid()"
)


@dataclass(frozen=True)
class Snapshot:
    """The counters and states at one time. `at` is in seconds of the monotonic clock."""

    at: float
    rows: list[status.Row]
    requests: Mapping[str, Histogram]
    memory: Mapping[str, int]  # bytes
    connections: Mapping[str, int]


@dataclass(frozen=True)
class Figures:
    """One line of `top`. A figure that is unknown or does not apply is None."""

    name: str
    running: int | None  # instances
    wanted: int | None
    health: str
    requests_per_second: float | None
    errors_percent: float | None
    p95_ms: float | None
    memory_mib: float | None
    connections: int | None
    nodes: tuple[str, ...] = ()  # where the instances run


def snapshot(cluster: Cluster) -> Snapshot:
    """Ask the agents, the services and the databases. Those that do not answer are left out.

    Raises StaleStateError when there is no cluster, NotRootError without root.
    """
    _ = cluster.tokens
    rows = status.rows(cluster)
    running = {job: _running(cluster, job) for job in (*JOBS, *RELEASE_JOBS)}
    counted = {each.name: _requests(cluster, each.name) for each in SERVICES}
    counted[GATEWAY] = _gateway_requests(cluster)
    connections = {each.name: _connections(cluster, each.name) for each in DATABASES}
    return Snapshot(
        time.monotonic(),
        rows,
        {name: count for name, count in counted.items() if count is not None},
        {job: sum(_memory(cluster, one["ID"]) for one in known) for job, known in running.items()},
        {name: count for name, count in connections.items() if count is not None},
    )


def between(before: Snapshot, after: Snapshot) -> list[Figures]:
    """Return the figures of every agent and job for the time between two snapshots."""
    return [_figures(row, before, after) for row in after.rows]


def _figures(row: status.Row, before: Snapshot, after: Snapshot) -> Figures:
    per_second = errors = p95 = None
    if row.name in after.requests:
        new = after.requests[row.name].since(before.requests.get(row.name, Histogram()))
        per_second = round(new.requests / (after.at - before.at), 1)
        errors = round(100 * new.errors / new.requests, 1) if new.requests else None
        seconds = new.quantile(0.95)
        p95 = None if seconds is None else round(1000 * seconds, 1)
    used = after.memory.get(row.name)
    memory = round(used / 2**20, 1) if used else None
    connections = after.connections.get(row.name)
    return Figures(
        row.name,
        row.running,
        row.wanted,
        row.health,
        per_second,
        errors,
        p95,
        memory,
        connections,
        row.nodes,
    )


def _running(cluster: Cluster, job: str) -> list[Allocation]:
    try:
        return allocations.running(cluster, job)
    except AdminError:
        return []


def _requests(cluster: Cluster, service: str) -> Histogram | None:
    total = None
    with suppress(AdminError):  # of Consul
        for instance in catalog.metrics(cluster, service):
            with suppress(AdminError):
                text = instance.text("/metrics")
                new = Histogram.read(text, "http_request_duration_seconds", _is_of_clients)
                total = new if total is None else total + new
    return total


def _is_of_clients(labels: Labels) -> bool:
    return labels.get("route") not in OWN_ROUTES


def _gateway_requests(cluster: Cluster) -> Histogram | None:
    try:
        text = cluster.traefik.text("/metrics")
    except AdminError:
        return None
    name = "traefik_entrypoint_request_duration_seconds"
    return Histogram.read(text, name, lambda labels: labels.get("entrypoint") == "web")


def _memory(cluster: Cluster, allocation: str) -> int:
    try:
        stats = cluster.nomad.call("GET", f"/v1/client/allocation/{allocation}/stats")
    except AdminError:
        return 0
    return int(stats["ResourceUsage"]["MemoryStats"]["RSS"])


def _connections(cluster: Cluster, database: str) -> int | None:
    try:
        return int(replication.query(cluster, database, CONNECTIONS, LIMIT_SECONDS))
    except AdminError:
        return None
