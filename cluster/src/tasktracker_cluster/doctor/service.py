"""The hops to one service: route, intention, sidecar, application, and the response to a client."""

from http.client import HTTPException

from tasktracker_cluster import topology
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import connection, instances, intentions, repairs
from tasktracker_cluster.doctor.hops import Hop
from tasktracker_cluster.doctor.repairs import ENV, LOGS, UP, restart
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.mesh import catalog, inside, requests
from tasktracker_cluster.mesh.catalog import Sidecar
from tasktracker_cluster.topology import GATEWAY, OK, Service, UpstreamCall

MAINTENANCE = "Node Maintenance Mode"  # Consul's check of a machine in maintenance


def hops(cluster: Cluster, service: str) -> list[Hop]:
    """Return the hops from Traefik to the application."""
    return [
        Hop("route", lambda: _route(cluster, service)),
        intentions.hop(cluster, GATEWAY, service),
        Hop("sidecar", lambda: sidecar(cluster, service)),
        Hop("application", lambda: _application(cluster, service)),
    ]


def upstream_hops(cluster: Cluster, source: str, call: UpstreamCall) -> list[Hop]:
    """Return the hops from `source` to its upstream, which its sidecar offers on loopback."""
    destination = call.service
    return [
        intentions.hop(cluster, source, destination),
        Hop(f"upstream {destination}", lambda: _upstream(cluster, source, call)),
    ]


def response_hop(cluster: Cluster, service: Service) -> Hop:
    """Return the hop that checks the service's response to a client of the gateway."""
    return Hop("answer", lambda: _answer(cluster, service))


def sidecar(cluster: Cluster, service: str) -> str:
    """Check each instance's Envoy, and return how many there are.

    Raises BrokenHopError unless it accepts a connection, proves its name, and, on this machine, is
    ready.
    """
    known = instances.sidecars(cluster, service)
    for instance in known:
        connection.dial(cluster, instance).close()
        if not instances.is_here(cluster, instance.allocation):
            continue
        answer = requests.get_inside(
            instance.allocation, connection.admin_address(cluster, instance), "/ready"
        )
        if answer != (OK, "LIVE\n"):
            raise BrokenHopError(
                f"Envoy is not ready: {answer}",
                restart(instance.allocation, f"connect-proxy-{service}"),
            )
    return f"{len(known)} ready"


def _route(cluster: Cluster, service: str) -> str:
    instances.sidecars(cluster, service)  # raises when there is none
    failing = instances.failing_checks(cluster, service)
    router = cluster.traefik.find(f"/api/http/routers/{service}@file")
    if router is None and failing:
        # Traefik routes only to healthy instances. A later hop finds the cause.
        return f"withdrawn while this fails: {failing}"
    if router is None:
        raise BrokenHopError(f"Traefik has no route to {service}, which is healthy", UP)
    return str(router["rule"])


def _application(cluster: Cluster, service: str) -> str:
    known = instances.sidecars(cluster, service)
    for instance in known:
        try:
            answer = requests.get(connection.dial(cluster, instance), "/health/live")
        except (OSError, HTTPException) as error:
            repair = restart(instance.allocation, "app")
            place = catalog.on(cluster, instance.node)
            raise BrokenHopError(f"it does not answer{place}: {error}", repair) from None
        if answer.status != OK:
            raise BrokenHopError(_reason(cluster, instance, answer), f"{LOGS} {service}")
    return f"{len(known)} alive"


def _reason(cluster: Cluster, instance: Sidecar, answer: requests.Answer) -> str:
    known = {each["ID"]: each for each in instances.running(cluster, instance.service)}
    said = f"its sidecar{catalog.on(cluster, instance.node)} answers {answer.status} for it"
    if instance.allocation not in known:
        return f"{said}; its allocation ended"
    task = known[instance.allocation]["TaskStates"]["app"]
    return f"{said}; its task is {task['State']}: {task['Events'][-1]['DisplayMessage']}"


def _upstream(cluster: Cluster, source: str, call: UpstreamCall) -> str:
    address = "127.0.0.1", topology.service(call.service).port
    known = instances.running(cluster, source)
    if not cluster.site.node.is_first:  # it has no token for a command inside a task elsewhere
        known = instances.here(cluster, source)
    for instance in known:
        answer = inside.get(cluster, instance, address, call.path)
        if not isinstance(answer, requests.Answer) or answer.status != call.status:
            reason = answer if isinstance(answer, str) else f"{answer.status} {answer.text[:80]}"
            raise BrokenHopError(
                f"{source}{catalog.on(cluster, instance['NodeName'])} gets no answer from "
                f"{call.service}: {reason}",
                restart(instance["ID"], f"connect-proxy-{source}"),
            )
    return f"answers {source}" if known else f"{source} has no instance on this machine"


def _answer(cluster: Cluster, service: Service) -> str:
    failing = instances.failing_checks(cluster, service.name)
    if failing.startswith(MAINTENANCE):
        node = failing.partition(", ")[0].removeprefix(MAINTENANCE).removeprefix(" on ")
        repair = f"{ENV}; consul maint -disable"
        if node:
            raise BrokenHopError(f"{node} is in maintenance", repairs.on(node, repair))
        raise BrokenHopError("this machine is in maintenance", repair)
    if failing:
        raise BrokenHopError(f"a check of Consul fails: {failing}", f"{LOGS} {service.name}")
    status = cluster.gateway.status(service.route)
    if status != service.status:
        raise BrokenHopError(f"GET {service.route} answers {status}, not {service.status}", UP)
    return f"GET {service.route}: {status}"
