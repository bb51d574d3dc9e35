"""The hops to one service: route, intention, sidecar, application, and what a client is told."""

from dataclasses import dataclass
from http.client import HTTPException

from tasktracker_cluster.doctor import intentions, mesh
from tasktracker_cluster.doctor.ground import ENV, LOGS, UP, Ground, restart
from tasktracker_cluster.doctor.walk import Hop
from tasktracker_cluster.errors import BrokenHopError

OK = 200
MAINTENANCE = "Node Maintenance Mode"  # what Consul calls the check that it then adds


def to(ground: Ground, service: str) -> list[Hop]:
    """From Traefik to the application."""
    return [
        Hop("route", lambda: _route(ground, service)),
        intentions.hop(ground, mesh.SOURCE, service),
        Hop("sidecar", lambda: sidecar(ground, service)),
        Hop("application", lambda: _application(ground, service)),
    ]


@dataclass(frozen=True)
class Question:
    """What a service may ask another one, and the status that the other's application gives."""

    path: str = "/openapi.json"  # touches nothing behind the application
    status: int = OK


def onward(
    ground: Ground, source: str, destination: str, port: int, question: Question
) -> list[Hop]:
    """From one service to another, which its sidecar offers on `port` of its own loopback."""
    return [
        intentions.hop(ground, source, destination),
        Hop(
            f"upstream {destination}",
            lambda: _upstream(ground, source, destination, port, question),
        ),
    ]


def answers(ground: Ground, service: str, path: str, expected: int) -> Hop:
    """What a client gets for `path` at the gateway: a status that only this service gives."""
    return Hop("answer", lambda: _answer(ground, service, path, expected))


def sidecar(ground: Ground, service: str) -> str:
    """Every instance's Envoy makes a mesh connection, proves its name, and says it is ready."""
    instances = ground.instances(service)
    for instance in instances:
        mesh.dial(ground, instance).close()
        answer = mesh.get_inside(instance.allocation, mesh.admin(ground, instance), "/ready")
        if answer != (OK, "LIVE\n"):
            raise BrokenHopError(
                f"Envoy says of itself: {answer}",
                restart(instance.allocation, f"connect-proxy-{service}"),
            )
    return f"{len(instances)} ready"


def _route(ground: Ground, service: str) -> str:
    ground.instances(service)  # raises where there is none
    failing = ground.failing_checks(service)
    router = ground.traefik.find(f"/api/http/routers/{service}@consulcatalog")
    if router is None and failing:
        # Traefik routes to healthy instances only. What ails this one lies further on.
        return f"withdrawn while this fails: {failing}"
    if router is None:
        raise BrokenHopError(f"Traefik has no route to {service}, which is healthy", UP)
    return str(router["rule"])


def _application(ground: Ground, service: str) -> str:
    instances = ground.instances(service)
    for instance in instances:
        try:
            answer = mesh.get(mesh.dial(ground, instance), "/health/live")
        except (OSError, HTTPException) as error:
            repair = restart(instance.allocation, "app")
            raise BrokenHopError(f"it does not answer: {error}", repair) from None
        if answer.status != OK:
            raise BrokenHopError(_why(ground, service, answer), f"{LOGS} {service}")
    return f"{len(instances)} alive"


def _why(ground: Ground, service: str, answer: mesh.Answer) -> str:
    task = ground.allocation(service)["TaskStates"]["app"]
    last = task["Events"][-1]["DisplayMessage"]
    return f"its sidecar answers {answer.status} for it; its task is {task['State']}: {last}"


def _upstream(ground: Ground, source: str, destination: str, port: int, question: Question) -> str:
    instances = ground.instances(source)
    for instance in instances:
        answer = mesh.get_inside(instance.allocation, ("127.0.0.1", port), question.path)
        if not isinstance(answer, mesh.Answer) or answer.status != question.status:
            seen = answer if isinstance(answer, str) else f"{answer.status} {answer.text[:80]}"
            raise BrokenHopError(
                f"{source} gets no answer from {destination}: {seen}",
                restart(instance.allocation, f"connect-proxy-{source}"),
            )
    return f"answers {source}"


def _answer(ground: Ground, service: str, path: str, expected: int) -> str:
    failing = ground.failing_checks(service)
    if failing == MAINTENANCE:
        raise BrokenHopError("this machine is in maintenance", f"{ENV}; consul maint -disable")
    if failing:
        raise BrokenHopError(f"Consul says that this fails: {failing}", f"{LOGS} {service}")
    status = ground.gateway.status(path)
    if status != expected:
        raise BrokenHopError(f"GET {path} answers {status}, not {expected}", UP)
    return f"GET {path}: {status}"
