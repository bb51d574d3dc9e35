"""doctor.cluster_nodes: a hop for each machine of a larger cluster."""

from cluster.tests.http_server import Agent
from cluster.tests.nomad_server import Nomad, node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import cluster_nodes, hops

ALIVE, FAILED = 1, 4  # states of a member


def members(*states: int) -> list[dict[str, object]]:
    return [{"Name": f"node-{n}", "Status": state} for n, state in enumerate(states, 1)]


def test_one_machine_has_no_path_of_nodes(cluster: Cluster) -> None:
    assert cluster_nodes.paths(cluster) == []


def test_without_nomad_there_is_no_path_of_nodes(cluster: Cluster, nomad: Nomad) -> None:
    del nomad.answers["/v1/nodes"]
    assert cluster_nodes.paths(cluster) == []


def test_a_lost_machine_is_a_broken_hop_and_the_others_are_probed(
    cluster: Cluster, nomad: Nomad, consul: Agent
) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2", "down"), node("node-3")]
    consul.answers["/v1/agent/members"] = members(ALIVE, FAILED, ALIVE)
    found = list(hops.diagnose(cluster_nodes.paths(cluster)))
    assert [(each.path, each.state) for each in found] == [
        ("node-1", "ok"),
        ("node-2", "broken"),
        ("node-3", "ok"),
    ]
    assert found[1].detail == "Nomad's node is down"
    assert "node-2" in found[1].repair


def test_a_node_that_consul_does_not_reach_or_that_takes_no_jobs_is_broken(
    cluster: Cluster, nomad: Nomad, consul: Agent
) -> None:
    others = [node("node-2"), node("node-3", eligibility="ineligible")]
    nomad.answers["/v1/nodes"] = [node("node-1"), *others]
    consul.answers["/v1/agent/members"] = members(ALIVE, FAILED, ALIVE)
    found = list(hops.diagnose(cluster_nodes.paths(cluster)))
    assert [each.detail for each in found if each.state == "broken"] == [
        "Consul does not reach it",
        "Nomad places nothing on it",
    ]
