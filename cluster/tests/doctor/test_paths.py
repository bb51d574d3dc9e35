"""doctor.paths: what is checked on which machine."""

import pytest

from cluster.tests.nomad_server import Nomad, node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import hops, paths
from tasktracker_cluster.doctor.hops import Finding
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.node import Node

JOINED = Node("node-2", "10.0.0.2", True, "10.0.0.1")


def probe(cluster: Cluster) -> str:
    """Probe this machine as a node of Nomad."""
    return next(
        hop.probe()
        for path in paths.all_paths(cluster)
        for hop in path.hops
        if (path.name, hop.name) == ("agents", "node")
    )


def test_a_machine_that_has_joined_checks_a_path_to_each_service_from_its_own_gateway(
    cluster: Cluster,
) -> None:
    cluster.site.node_file.write_text(JOINED.text)
    found = {path.name for path in paths.all_paths(cluster)}
    assert {"machine", "agents", "gateway", "user-service", "portal", "releases"} <= found


def test_of_what_machines_share_the_first_one_makes_the_repairs(
    cluster: Cluster, nomad: Nomad
) -> None:
    cluster.site.node_file.write_text(JOINED.text)
    nomad.answers["/v1/job/store"] = {"Stop": True}
    shared = [path for path in paths.all_paths(cluster) if path.name == "releases"]
    assert next(hops.diagnose(shared)) == Finding(
        "releases", "store", "broken", "the job store is stopped", "On 10.0.0.1: ./just up"
    )


def test_what_answers_on_the_loopback_of_the_first_machine_is_checked_there(
    cluster: Cluster, nomad: Nomad
) -> None:
    nomad.answers["/v1/job/metrics"] = {"Stop": False}
    assert "observing" in {path.name for path in paths.all_paths(cluster)}
    cluster.site.node_file.write_text(JOINED.text)
    assert "observing" not in {path.name for path in paths.all_paths(cluster)}


def test_the_first_machine_checks_a_path_to_each_service(cluster: Cluster) -> None:
    cluster.site.node_file.write_text(Node(address="10.0.0.1").text)
    found = {path.name for path in paths.all_paths(cluster)}
    assert {"machine", "agents", "gateway", "user-service", "portal"} <= found


def test_a_machine_that_has_joined_finds_its_node_without_a_token(
    cluster: Cluster, nomad: Nomad
) -> None:
    cluster.site.node_file.write_text(JOINED.text)
    nomad.answers["/v1/nodes"] = [node("node-1", "down"), node("node-2")]
    assert probe(cluster) == "ready, takes jobs"


@pytest.mark.parametrize(
    ("known", "problem", "repair"),
    [
        ([], "Nomad does not know this machine", "./just logs nomad"),
        ([node("node-2", "down")], "Nomad's node is down", "./just logs nomad"),
        (
            [node("node-2", eligibility="ineligible")],
            "Nomad places nothing on this machine",
            "On 10.0.0.1: tasktracker-cli admin node enable node-2",
        ),
    ],
)
def test_a_machine_that_nomad_does_not_use_is_broken(
    cluster: Cluster, nomad: Nomad, known: list[object], problem: str, repair: str
) -> None:
    cluster.site.node_file.write_text(JOINED.text)
    nomad.answers["/v1/nodes"] = [node("node-1"), *known]
    with pytest.raises(BrokenHopError) as raised:
        probe(cluster)
    assert (raised.value.message, raised.value.hint) == (problem, repair)
