"""The state of each machine of the cluster, as Consul and Nomad see it."""

from dataclasses import dataclass

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.membership import members


@dataclass(frozen=True)
class Machine:
    """A machine: whether it is a server, whether its agents answer, and its running instances."""

    name: str
    address: str
    server: bool
    agents: str  # alive or gone
    nomad: str  # ready, draining, ineligible, down, or unknown
    instances: int


def of_machines(cluster: Cluster) -> list[Machine]:
    """Return every machine; none while the cluster has no address. Raises ApiError."""
    known = members.all_of(cluster.consul)
    servers, nodes = members.servers(cluster.consul), cluster.nomad.call("GET", "/v1/nodes")
    states = {node["Name"]: _state(node) for node in sorted(nodes, key=lambda n: n["CreateIndex"])}
    running = [
        allocation["NodeName"]
        for allocation in cluster.nomad.call("GET", "/v1/allocations")
        if allocation["ClientStatus"] == "running"
    ]
    return [
        Machine(
            each.name,
            each.address,
            each.name in servers,
            "alive" if is_alive(cluster, each.name) else "gone",
            states.get(each.name, "unknown"),
            running.count(each.name),
        )
        for each in known
    ]


def is_alive(cluster: Cluster, name: str) -> bool:
    """Return whether the Consul agent of a machine answers the others."""
    checks = cluster.consul.call("GET", f"/v1/health/node/{name}")
    return any(c["CheckID"] == "serfHealth" and c["Status"] == "passing" for c in checks)


def _state(node: dict[str, object]) -> str:
    if node["Status"] != "ready":
        return str(node["Status"])
    if node["Drain"]:
        return "draining"
    return "ready" if node["SchedulingEligibility"] == "eligible" else "ineligible"
