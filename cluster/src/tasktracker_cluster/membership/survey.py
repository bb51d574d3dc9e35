"""The state of each machine of the cluster, as Consul and Nomad see it."""

from dataclasses import dataclass

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.agents.nomad import Node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.membership import members


@dataclass(frozen=True)
class Machine:
    """A machine: whether it is a server, whether its agents answer, and its running instances.

    An instance that Nomad stops does not count: it may go on for seconds, until nobody asks it.
    """

    name: str
    address: str
    server: bool
    leads: tuple[str, ...]  # Consul, Nomad: those of its agents that lead the servers
    agents: str  # alive or gone
    nomad: str  # ready, draining, ineligible, down, or unknown
    instances: int


def of_machines(cluster: Cluster) -> list[Machine]:
    """Return every machine; none while the cluster has no address. Raises ApiError."""
    known = members.all_of(cluster.consul)
    leaders = _leaders(cluster)
    servers, present = members.servers(cluster.consul), members.alive(cluster.consul)
    states = {node.name: _state(node) for node in nomad.nodes(cluster.nomad)}
    running = [
        allocation["NodeName"]
        for allocation in cluster.nomad.call("GET", "/v1/allocations")
        if allocation["ClientStatus"] == "running" and allocation["DesiredStatus"] == "run"
    ]
    return [
        Machine(
            each.name,
            each.address,
            each.name in servers,
            tuple(agent for agent, leader in leaders.items() if leader == each.address),
            "alive" if each.name in present else "gone",
            states.get(each.name, "unknown"),
            running.count(each.name),
        )
        for each in known
    ]


def _leaders(cluster: Cluster) -> dict[str, str]:
    """Return the address of each agent's leader, empty while there is none."""
    asked = {"Consul": cluster.consul, "Nomad": cluster.nomad}
    found = {agent: api.find("/v1/status/leader") or "" for agent, api in asked.items()}
    return {agent: address.rpartition(":")[0] for agent, address in found.items()}


def _state(node: Node) -> str:
    if node.status != "ready":
        return node.status
    if node.is_draining:
        return "draining"
    return "ready" if node.is_eligible else "ineligible"
