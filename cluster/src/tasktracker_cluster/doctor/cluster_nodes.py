"""The machines of a larger cluster: whether each is reached, and what all have runs."""

from functools import partial

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.agents.nomad import Node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import instances
from tasktracker_cluster.doctor.hops import Hop, Path
from tasktracker_cluster.doctor.repairs import UP, restart
from tasktracker_cluster.errors import AdminError, BrokenHopError
from tasktracker_cluster.jobs import allocations, rollout
from tasktracker_cluster.jobs.allocations import Allocation
from tasktracker_cluster.membership import members
from tasktracker_cluster.mesh import catalog
from tasktracker_cluster.topology import GATEWAY, RELEASE, STORE


def paths(cluster: Cluster) -> list[Path]:
    """Return a path for each machine, none for a cluster of one machine.

    No other path depends on it: requests do without a lost machine.
    """
    try:
        known = nomad.nodes(cluster.nomad) if cluster.has_several_nodes else []
    except AdminError:
        return []  # another path has the reason
    return [Path(each.name, _hops(cluster, each)) for each in known]


def _hops(cluster: Cluster, node: Node) -> list[Hop]:
    return [
        Hop("node", partial(_is_well, cluster, node)),
        Hop("gateway", partial(_gateway, cluster, node.name)),
        Hop("releases", partial(_releases, cluster, node.name)),
    ]


def _is_well(cluster: Cluster, node: Node) -> str:
    if problem := _problem(cluster, node):
        raise BrokenHopError(problem, f"On {node.name}: {UP}")
    return "ready, takes jobs"


def _problem(cluster: Cluster, node: Node) -> str:
    if node.status != "ready":
        return f"Nomad's node is {node.status}"
    if node.name not in members.alive(cluster.consul):
        return "Consul does not reach it"
    return "" if node.is_eligible else "Nomad places nothing on it"


def _gateway(cluster: Cluster, node: str) -> str:
    allocation = _running(cluster, GATEWAY, node)["ID"]
    failing = catalog.failing_checks(cluster, GATEWAY, node)
    if failing or failing is None:
        problem = f"fails: {', '.join(failing)}" if failing else f"is unknown to Consul on {node}"
        raise BrokenHopError(f"the gateway {problem}", restart(allocation, "traefik"))
    return f"allocation {allocation[:8]}"


def _releases(cluster: Cluster, node: str) -> str:
    _running(cluster, STORE, node)
    if not rollout.is_installed(_running(cluster, RELEASE, node)):
        raise BrokenHopError(f"the newest release is not installed on {node}", UP)
    return "the newest one is installed"


def _running(cluster: Cluster, job: str, node: str) -> Allocation:
    found = [each for each in instances.running(cluster, job) if each["NodeName"] == node]
    if not found:
        raise BrokenHopError(f"the job {job} has no instance on {node}", UP)
    return allocations.newest(found)
