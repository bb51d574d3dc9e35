"""The cluster's figures: a look at everything, and what two looks tell."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from tasktracker_cluster.agents import credentials, nomad
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.doctor import mesh
from tasktracker_cluster.errors import AdminError
from tasktracker_cluster.jobs import deployment, postgres
from tasktracker_cluster.machine import shell
from tasktracker_cluster.monitoring import status
from tasktracker_cluster.monitoring.histogram import Histogram, Labels
from tasktracker_cluster.site import TRAEFIK_URL, Site

# Where each service listens on its own loopback (nomad/jobs).
PORTS = {"user-service": 8001, "task-service": 8002, "stats-service": 8003, "portal": 8004}
DATABASES = ("user-db", "task-db")
OWN_ROUTES = ("/health", "/health/live", "/metrics", "/openapi.json")  # asked by the cluster itself
CONNECTIONS = (
    "select count(*) from pg_stat_activity "
    "where backend_type = 'client backend' and pid <> pg_backend_pid()"
)


@dataclass(frozen=True)
class Look:
    """What was seen at a moment; `at` is in seconds of the monotonic clock."""

    at: float
    rows: list[status.Row]
    requests: Mapping[str, Histogram]
    memory: Mapping[str, int]  # bytes
    connections: Mapping[str, int]


@dataclass(frozen=True)
class Figures:
    """One line of `top`. What does not apply, or is not known, is None."""

    name: str
    running: int | None  # instances
    wanted: int | None
    health: str
    requests_per_second: float | None
    errors_percent: float | None
    p95_ms: float | None
    memory_mib: float | None
    connections: int | None


def look(site: Site) -> Look:
    """Ask the agents, the services and the databases; who does not answer is left out."""
    rows = status.rows(site)
    api = nomad.api(site, credentials.load(site).nomad_management)
    allocations = {job: _allocations(api, job) for job in deployment.names()}
    requests = {name: _requests(allocations[name], port) for name, port in PORTS.items()}
    requests["traefik"] = _edge()
    return Look(
        time.monotonic(),
        rows,
        requests,
        {job: sum(_memory(api, one) for one in ids) for job, ids in allocations.items()},
        {name: count for name in DATABASES if (count := _connections(site, name)) is not None},
    )


def between(before: Look, after: Look) -> list[Figures]:
    """The figures of every agent and job for the time between two looks."""
    return [_figures(row, before, after) for row in after.rows]


def _figures(row: status.Row, before: Look, after: Look) -> Figures:
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
    )


def _allocations(api: Api, job: str) -> list[str]:
    try:
        running = deployment.running(api, job)
    except AdminError:
        return []
    return [each["ID"] for each in running if each["ClientStatus"] == "running"]


def _requests(allocations: list[str], port: int) -> Histogram:
    total = Histogram()
    for allocation in allocations:
        answer = mesh.get_inside(allocation, ("127.0.0.1", port), "/metrics")
        if isinstance(answer, mesh.Answer):
            total += Histogram.read(answer.text, "http_request_duration_seconds", _is_asked_for)
    return total


def _is_asked_for(labels: Labels) -> bool:
    return labels.get("route") not in OWN_ROUTES


def _edge() -> Histogram:
    try:
        text = Api("Traefik", TRAEFIK_URL, {}, timeout=2).text("/metrics")
    except AdminError:
        return Histogram()
    name = "traefik_entrypoint_request_duration_seconds"
    return Histogram.read(text, name, lambda labels: labels.get("entrypoint") == "web")


def _memory(api: Api, allocation: str) -> int:
    try:
        stats = api.call("GET", f"/v1/client/allocation/{allocation}/stats")
    except AdminError:
        return 0
    return int(stats["ResourceUsage"]["MemoryStats"]["RSS"])


def _connections(site: Site, database: str) -> int | None:
    try:
        return int(shell.run(postgres.query(site, database, CONNECTIONS)))
    except AdminError:
        return None
