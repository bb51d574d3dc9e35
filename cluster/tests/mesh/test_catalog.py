"""mesh.catalog: sidecars and checks, read from Consul's answers."""

from typing import Any

import pytest

from cluster.tests.http_server import Agent
from cluster.tests.nomad_server import Nomad, node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.mesh import catalog
from tasktracker_cluster.mesh.catalog import Sidecar

ALLOCATION = "0a1b2c3d-1111-2222-3333-444455556666"
NOMADS_ID = f"_nomad-task-{ALLOCATION}-group-api-task-service-8002-sidecar-proxy"


@pytest.mark.parametrize(
    ("identifier", "allocation"), [(NOMADS_ID, ALLOCATION), ("by-hand", ""), ("", "")]
)
def test_a_sidecars_allocation_is_in_the_id_that_nomad_gave_it(
    cluster: Cluster, consul: Agent, identifier: str, allocation: str
) -> None:
    service = {"ID": identifier, "Address": "169.254.1.1", "Port": 21000}
    entry = {"Service": service, "Checks": [], "Node": {"Node": "node-1"}}
    consul.answers["/v1/health/connect/task-service"] = [entry]
    assert catalog.sidecars(cluster, "task-service") == [
        Sidecar("task-service", ("169.254.1.1", 21000), allocation, "node-1")
    ]


def test_the_metrics_of_each_instance_are_at_the_address_that_it_registered(
    cluster: Cluster, consul: Agent
) -> None:
    meta = {"metrics_port": str(consul.port)}
    consul.answers["/v1/health/connect/portal"] = [
        {"Service": {"Address": "127.0.0.1", "Meta": meta}},
        {"Service": {"Address": "127.0.0.1", "Meta": None}},  # not Nomad's
    ]
    consul.answers["/metrics"] = b"up 1"
    assert [each.text("/metrics") for each in catalog.metrics(cluster, "portal")] == ["up 1"]


def checks(**states: str) -> dict[str, Any]:
    """Return an instance with these checks: name and status."""
    return {
        "Checks": [
            {"Name": name, "Status": status, "Node": "node-1"} for name, status in states.items()
        ]
    }


@pytest.mark.parametrize(
    ("instances", "failing"),
    [
        ([], None),
        ([checks()], []),
        ([checks(serf="passing", ready="passing")], []),
        ([checks(ready="passing"), checks(ready="critical")], ["ready"]),
        ([checks(serf="critical", ready="warning"), checks(ready="critical")], ["ready", "serf"]),
    ],
)
def test_a_check_fails_unless_it_passes_and_is_named_once(
    cluster: Cluster, consul: Agent, instances: list[Any], failing: list[str] | None
) -> None:
    consul.answers["/v1/health/service/task-service"] = instances
    assert catalog.failing_checks(cluster, "task-service") == failing


def test_in_a_larger_cluster_a_failing_check_has_its_node(
    cluster: Cluster, nomad: Nomad, consul: Agent
) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2")]
    consul.answers["/v1/health/service/task-service"] = [checks(ready="critical"), checks()]
    assert catalog.failing_checks(cluster, "task-service") == ["ready on node-1"]


def test_the_checks_of_one_node_are_those_of_its_instances(cluster: Cluster, consul: Agent) -> None:
    consul.answers["/v1/health/service/traefik"] = [
        {**checks(ping="critical"), "Node": {"Node": "node-1"}},
        {**checks(ping="passing"), "Node": {"Node": "node-2"}},
    ]
    found = [catalog.failing_checks(cluster, "traefik", f"node-{n}") for n in (1, 2, 3)]
    assert found == [["ping"], [], None]
