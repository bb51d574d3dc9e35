"""doctor.cluster_nodes: a hop for each machine of a larger cluster."""

import pytest

from cluster.tests.http_server import Agent
from cluster.tests.nomad_server import Nomad, allocation, node, task_state
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import cluster_nodes, hops
from tasktracker_cluster.topology import GATEWAY, RELEASE, STORE

CHECKS = f"/v1/health/service/{GATEWAY}"
WELL = [("node", "ok"), ("gateway", "ok"), ("releases", "ok")]
INSTALLED = {"installed": task_state()}
ALIVE, FAILED = 1, 4  # states of a member


def members(*states: int) -> list[dict[str, object]]:
    return [{"Name": f"node-{n}", "Status": state} for n, state in enumerate(states, 1)]


@pytest.fixture
def three(nomad: Nomad, consul: Agent) -> None:
    """Have three machines that are well, each with its gateway."""
    names = [f"node-{n}" for n in (1, 2, 3)]
    nomad.answers["/v1/nodes"] = [node(name) for name in names]
    for job in (GATEWAY, STORE, RELEASE):
        nomad.answers[f"/v1/job/{job}"] = {"Stop": False}
        run(nomad, job, *names)
    consul.answers["/v1/agent/members"] = members(ALIVE, ALIVE, ALIVE)
    consul.answers[CHECKS] = [check(name) for name in names]


def run(nomad: Nomad, job: str, *names: str) -> None:
    """Have an instance of a job on each of these machines."""
    nomad.answers[f"/v1/job/{job}/allocations"] = [
        allocation(name, NodeName=name, TaskStates=INSTALLED) for name in names
    ]


def check(name: str, status: str = "passing") -> dict[str, object]:
    known = {"Name": "ping", "Status": status, "Node": name}
    return {"Node": {"Node": name}, "Checks": [known]}


def broken(cluster: Cluster) -> list[tuple[str, str, str, str]]:
    found = hops.diagnose(cluster_nodes.paths(cluster))
    return [
        (each.path, each.hop, each.detail, each.repair) for each in found if each.state == "broken"
    ]


@pytest.mark.usefixtures("three")
def test_of_machines_that_are_well_every_hop_works(cluster: Cluster) -> None:
    found = list(hops.diagnose(cluster_nodes.paths(cluster)))
    assert [(each.hop, each.state) for each in found] == WELL * 3


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(("job", "hop"), [(GATEWAY, "gateway"), (STORE, "releases")])
def test_a_machine_without_a_gateway_or_a_store_is_named(
    cluster: Cluster, nomad: Nomad, job: str, hop: str
) -> None:
    run(nomad, job, "node-1", "node-3")
    detail = f"the job {job} has no instance on node-2"
    assert broken(cluster) == [("node-2", hop, detail, "./just up")]


@pytest.mark.usefixtures("three")
def test_a_machine_without_the_newest_release_is_named(cluster: Cluster, nomad: Nomad) -> None:
    nomad.answers[f"/v1/job/{RELEASE}/allocations"] = [
        allocation(name, NodeName=name, TaskStates={"installed": task_state(state)})
        for name, state in (("node-1", "running"), ("node-2", "pending"), ("node-3", "running"))
    ]
    detail = "the newest release is not installed on node-2"
    assert broken(cluster) == [("node-2", "releases", detail, "./just up")]


@pytest.mark.usefixtures("three")
def test_a_gateway_whose_check_fails_is_named(cluster: Cluster, consul: Agent) -> None:
    consul.answers[CHECKS] = [check("node-1"), check("node-2", "critical")]
    second, third = broken(cluster)
    assert second[:3] == ("node-2", "gateway", "the gateway fails: ping on node-2")
    assert second[3].endswith("nomad alloc restart node-2 traefik")
    assert third[2] == "the gateway is unknown to Consul on node-3"


def test_one_machine_has_no_path_of_nodes(cluster: Cluster) -> None:
    assert cluster_nodes.paths(cluster) == []


def test_without_nomad_there_is_no_path_of_nodes(cluster: Cluster, nomad: Nomad) -> None:
    del nomad.answers["/v1/nodes"]
    assert cluster_nodes.paths(cluster) == []


@pytest.mark.usefixtures("three")
def test_a_lost_machine_is_a_broken_hop_and_the_others_are_probed(
    cluster: Cluster, nomad: Nomad, consul: Agent
) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2", "down"), node("node-3")]
    consul.answers["/v1/agent/members"] = members(ALIVE, FAILED, ALIVE)
    found = list(hops.diagnose(cluster_nodes.paths(cluster)))
    assert [(each.hop, each.state) for each in found] == [
        *WELL,
        ("node", "broken"),
        ("gateway", "skipped"),
        ("releases", "skipped"),
        *WELL,
    ]
    assert broken(cluster) == [("node-2", "node", "Nomad's node is down", "On node-2: ./just up")]


@pytest.mark.usefixtures("three")
def test_a_node_that_consul_does_not_reach_or_that_takes_no_jobs_is_broken(
    cluster: Cluster, nomad: Nomad, consul: Agent
) -> None:
    others = [node("node-2"), node("node-3", eligibility="ineligible")]
    nomad.answers["/v1/nodes"] = [node("node-1"), *others]
    consul.answers["/v1/agent/members"] = members(ALIVE, FAILED, ALIVE)
    assert [detail for _, _, detail, _ in broken(cluster)] == [
        "Consul does not reach it",
        "Nomad places nothing on it",
    ]
