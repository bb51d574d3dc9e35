"""Every way that a request takes through the system, in the order in which it is walked."""

from tasktracker_cli.admin.doctor import agents, database, gateway, machine, service
from tasktracker_cli.admin.doctor.ground import Ground
from tasktracker_cli.admin.doctor.walk import Path

# Where a sidecar offers each service to another one (nomad/jobs).
PORTS = {"user-service": 8001, "task-service": 8002, "stats-service": 8003}


def of(ground: Ground) -> list[Path]:
    """What all requests share, then the way to each service and on from there."""
    return [
        machine.path(ground),
        agents.path(ground),
        gateway.path(ground),
        _with_database(ground, "user", "/api/v1/auth/me"),
        _with_database(ground, "task", "/api/v1/tasks/"),
        _stats(ground),
        _portal(ground),
    ]


def _with_database(ground: Ground, name: str, path: str) -> Path:
    hops = [
        *service.to(ground, f"{name}-service"),
        *database.behind(ground, name),
        service.answers(ground, f"{name}-service", path, 401),
    ]
    return Path(f"{name}-service", hops)


def _stats(ground: Ground) -> Path:
    name = "stats-service"
    hops = [
        *service.to(ground, name),
        *service.onward(ground, name, "task-service", PORTS["task-service"]),
        service.answers(ground, name, "/api/v1/stats/", 401),
    ]
    return Path(name, hops)


def _portal(ground: Ground) -> Path:
    hops = service.to(ground, "portal")
    for name, port in PORTS.items():
        hops += service.onward(ground, "portal", name, port)
    return Path("portal", [*hops, service.answers(ground, "portal", "/", 200)])
