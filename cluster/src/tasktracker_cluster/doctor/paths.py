"""Every way that a request takes through the system, in the order in which it is walked."""

from tasktracker_cluster.doctor import database, edge, host, scheduling, service
from tasktracker_cluster.doctor.ground import Ground
from tasktracker_cluster.doctor.walk import Hop, Path

# Where a sidecar offers each service to another one (nomad/jobs).
PORTS = {"user-service": 8001, "task-service": 8002, "stats-service": 8003}

# What each caller may ask (consul/config-entries/service-intentions).
DOCUMENT = service.Question()
COUNTS = service.Question("/api/v1/tasks/stats", status=401)  # no token comes with it
ENDED_SESSIONS = service.Question("/internal/ended-sessions")


def of(ground: Ground) -> list[Path]:
    """What all requests share, then the way to each service and on from there."""
    return [
        host.path(ground),
        scheduling.path(ground),
        edge.path(ground),
        _user(ground),
        _task(ground),
        _stats(ground),
        _portal(ground),
    ]


def _user(ground: Ground) -> Path:
    name = "user-service"
    hops = [
        *service.to(ground, name),
        *database.behind(ground, "user"),
        service.answers(ground, name, "/api/v1/auth/me", 401),
    ]
    return Path(name, hops)


def _task(ground: Ground) -> Path:
    name = "task-service"
    hops = [
        *service.to(ground, name),
        *database.behind(ground, "task"),
        *_ended_sessions(ground, name),
        service.answers(ground, name, "/api/v1/tasks/", 401),
    ]
    return Path(name, hops)


def _stats(ground: Ground) -> Path:
    name = "stats-service"
    hops = [
        *service.to(ground, name),
        *service.onward(ground, name, "task-service", PORTS["task-service"], COUNTS),
        *_ended_sessions(ground, name),
        service.answers(ground, name, "/api/v1/stats/", 401),
    ]
    return Path(name, hops)


def _portal(ground: Ground) -> Path:
    hops = service.to(ground, "portal")
    for name, port in PORTS.items():
        hops += service.onward(ground, "portal", name, port, DOCUMENT)
    return Path("portal", [*hops, service.answers(ground, "portal", "/", 200)])


def _ended_sessions(ground: Ground, name: str) -> list[Hop]:
    return service.onward(ground, name, "user-service", PORTS["user-service"], ENDED_SESSIONS)
