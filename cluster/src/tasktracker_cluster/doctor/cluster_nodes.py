"""The machines of a larger cluster: whether Nomad and Consul reach each of them."""

from functools import partial

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.agents.nomad import Node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor.hops import Hop, Path
from tasktracker_cluster.doctor.repairs import UP
from tasktracker_cluster.errors import AdminError, BrokenHopError
from tasktracker_cluster.membership import members


def paths(cluster: Cluster) -> list[Path]:
    """Return a path for each machine, none for a cluster of one machine.

    No other path depends on it: requests do without a lost machine.
    """
    try:
        known = nomad.nodes(cluster.nomad) if cluster.has_several_nodes else []
    except AdminError:
        return []  # another path has the reason
    return [Path(each.name, [Hop("node", partial(_is_well, cluster, each))]) for each in known]


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
