"""doctor.service: hops of a service whose instances are on several machines."""

from typing import Any

import pytest

from cluster.tests.http_server import Agent
from cluster.tests.nomad_server import Nomad, allocation, node
from tasktracker_cluster import topology
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import service
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.node import Node

STATS = topology.service("stats-service")


@pytest.fixture(autouse=True)
def second(cluster: Cluster, nomad: Nomad) -> None:
    """Be the second of two machines. Each service runs on the first one."""
    cluster.site.node_file.write_text(Node("node-2", "10.0.0.2", False, "10.0.0.1").text)
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2")]
    nomad.answers[f"/v1/job/{STATS.name}"] = {"Stop": False}
    nomad.answers[f"/v1/job/{STATS.name}/allocations"] = [allocation()]


def test_a_machine_that_has_joined_asks_no_upstream_inside_another_machine(
    cluster: Cluster,
) -> None:
    for call in STATS.upstream_calls:
        _, hop = service.upstream_hops(cluster, STATS.name, call)
        assert hop.probe() == "stats-service has no instance on this machine"


def checks(name: str) -> list[dict[str, Any]]:
    return [{"Checks": [{"Name": name, "Status": "critical", "Node": "node-1"}]}]


@pytest.mark.parametrize(
    ("failing", "message", "hint"),
    [
        (
            "Node Maintenance Mode",
            "node-1 is in maintenance",
            """On node-1: eval "$(./just env)"; consul maint -disable""",
        ),
        ("ready", "a check of Consul fails: ready on node-1", "./just logs stats-service"),
    ],
)
def test_a_machine_whose_checks_fail_is_named(
    cluster: Cluster, consul: Agent, failing: str, message: str, hint: str
) -> None:
    consul.answers[f"/v1/health/service/{STATS.name}"] = checks(failing)
    with pytest.raises(BrokenHopError) as raised:
        service.response_hop(cluster, STATS).probe()
    assert (raised.value.message, raised.value.hint) == (message, hint)
