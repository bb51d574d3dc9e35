"""jobs.placement: how many instances of a service run, and their moves to other nodes."""

from dataclasses import replace
from typing import Any

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, Request, serving
from cluster.tests.nomad_server import Nomad, allocation, node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import placement
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES, SERVICES

HEALTHY = {"Healthy": True}
NEW = "n" * 36
DISTINCT = [{"Operand": "is_set"}, {"Operand": "distinct_hosts"}]


def instance(name: str, on: str, **others: Any) -> dict[str, Any]:
    """Return a healthy allocation on a node."""
    return allocation(name, NodeID=on, DeploymentStatus=HEALTHY, **others)


@pytest.mark.parametrize(
    ("nodes", "instances"),
    [
        (["node-1"], 1),
        (["node-1", "node-2"], 2),
        (["node-1", "node-2", "node-3"], 2),
        (["node-1", "node-1"], 1),  # a machine whose client started anew
    ],
)
def test_from_two_machines_on_there_are_two_instances(
    cluster: Cluster, nomad: Nomad, nodes: list[str], instances: int
) -> None:
    nomad.answers["/v1/nodes"] = [node(name) for name in nodes]
    assert placement.wanted(cluster) == instances


def test_a_node_that_is_down_takes_no_instance_away(cluster: Cluster, nomad: Nomad) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2", "down")]
    assert placement.wanted(cluster) == 2


def test_a_number_that_was_set_counts_on_any_number_of_nodes(
    site: Site, nomad: Nomad, consul: Agent
) -> None:
    cluster = FakeCluster(replace(site, instances=3), nomad, consul)
    assert placement.wanted(cluster) == 3


def test_the_present_number_is_that_of_the_job_and_one_without_a_job(nomad: Nomad) -> None:
    assert placement.present(nomad.api()) == 1
    nomad.answers["/v1/job/user-service"] = {"TaskGroups": [{"Count": 2}]}
    assert placement.present(nomad.api()) == 2


@pytest.mark.parametrize(
    ("count", "stop", "scaled"), [(1, False, True), (2, False, False), (1, True, False)]
)
def test_a_new_machine_adds_instances_to_the_services_that_have_fewer(
    cluster: Cluster, nomad: Nomad, count: int, stop: bool, scaled: bool
) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2")]
    asked: list[object] = []
    for service in SERVICES:
        groups = [{"Name": "api", "Count": count}]
        nomad.answers[f"/v1/job/{service.name}"] = {"TaskGroups": groups, "Stop": stop}
        nomad.answers[f"/v1/job/{service.name}/scale"] = lambda request: asked.append(request.body)
    placement.add_instances(cluster)
    body = {"Count": 2, "Target": {"Group": "api"}}
    assert asked == ([body] * len(SERVICES) if scaled else [])


@pytest.mark.parametrize(
    ("names", "count", "stop", "wanted"),
    [
        (["node-1", "node-2"], 1, False, 2),
        (["node-1", "node-2", "node-3", "node-4"], 2, False, 3),
        (["node-1"], 3, False, 1),
        (["node-1", "node-2"], 2, False, None),
        (["node-1", "node-2"], 1, True, None),
    ],
)
def test_each_database_has_as_many_members_as_machines_have_a_number(
    site: Site, nomad: Nomad, names: list[str], count: int, stop: bool, wanted: int | None
) -> None:
    nomad.answers["/v1/nodes"] = [node(name) for name in names]
    asked = asked_to_fit(site, nomad, {"Count": count, "Constraints": DISTINCT}, stop=stop)
    body = {"Count": wanted, "Target": {"Group": "db"}}
    assert asked == ([body] * len(DATABASES) if wanted else [])


@pytest.mark.parametrize("constraints", [[{"Operand": "is_set"}], None])
def test_a_database_in_an_interrupted_handover_gets_no_second_member(
    site: Site, nomad: Nomad, constraints: object
) -> None:
    """Nomad could place it on the machine of the first one."""
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2")]
    assert asked_to_fit(site, nomad, {"Count": 1, "Constraints": constraints}) == []


def asked_to_fit(
    site: Site, nomad: Nomad, group: dict[str, object], *, stop: bool = False
) -> list[object]:
    """Have this group in the job of each database. Return how Nomad was asked to scale them."""
    asked: list[object] = []
    for database in DATABASES:
        job = {"TaskGroups": [{"Name": "db", **group}], "Stop": stop}
        nomad.answers[f"/v1/job/{database.name}"] = job
        nomad.answers[f"/v1/job/{database.name}/scale"] = lambda request: asked.append(request.body)
    with serving(Consul()) as consul:
        placement.fit_databases(FakeCluster(site, nomad, consul))
    return asked


class Scheduler:
    """Puts a stopped instance of the portal on node 3, in the background as Nomad does it."""

    def __init__(self, nomad: Nomad, *instances: dict[str, Any]) -> None:
        self.instances = {each["ID"]: each for each in instances}
        self.stopped: list[str] = []
        for service in SERVICES:
            nomad.answers[f"/v1/job/{service.name}/allocations"] = []
        nomad.answers["/v1/job/portal/allocations"] = self._look
        for name in self.instances:
            nomad.answers[f"/v1/allocation/{name}/stop"] = self._stop

    def _stop(self, request: Request) -> object:
        self.stopped.append(request.path.split("/")[3])
        return {}

    def _look(self, _: Request) -> object:
        known = list(self.instances.values())
        new = self.instances.get(NEW)
        if new is None and self.stopped:
            self.instances[self.stopped[-1]]["DesiredStatus"] = "stop"
            unhealthy = {**instance(NEW, "3"), "DeploymentStatus": None, "ClientStatus": "pending"}
            self.instances[NEW] = unhealthy
        elif new and new["DeploymentStatus"] is None:
            self.instances[NEW] = instance(NEW, "3")
        return known


@pytest.fixture
def three_nodes(nomad: Nomad) -> None:
    nomad.answers["/v1/nodes"] = [node(f"node-{number}") for number in (1, 2, 3)]


@pytest.mark.usefixtures("three_nodes")
def test_of_two_instances_on_one_node_the_newer_one_moves_and_must_become_healthy(
    cluster: Cluster, nomad: Nomad
) -> None:
    scheduler = Scheduler(nomad, instance("old", "1"), instance("new", "1", CreateIndex=2))
    assert placement.spread_out(cluster) == 1
    assert scheduler.stopped == ["new"]
    assert scheduler.instances[NEW]["DeploymentStatus"] == HEALTHY


@pytest.mark.usefixtures("three_nodes")
def test_an_instance_that_passed_its_checks_after_nomads_deadline_is_a_healthy_one(
    cluster: Cluster, nomad: Nomad, consul: Agent
) -> None:
    """Nomad calls it unhealthy for ever. Another one that moves is not waited for in vain."""
    late = {**instance("late", "1"), "DeploymentStatus": {"Healthy": False}}
    service = {"Service": {"ID": "_nomad-task-late-group"}, "Checks": [{"Status": "passing"}]}
    for name in (each.name for each in SERVICES):
        consul.answers[f"/v1/health/service/{name}"] = [service]
    scheduler = Scheduler(nomad, late, instance("new", "1", CreateIndex=2))
    assert placement.spread_out(cluster) == 1
    assert scheduler.stopped == ["new"]


@pytest.mark.usefixtures("three_nodes")
@pytest.mark.parametrize(
    "instances",
    [
        [instance("a", "1"), instance("b", "2")],
        [instance("a", "1"), instance("b", "1", DesiredStatus="stop")],
        [instance("a", "1"), instance("b", "1", ClientStatus="complete")],
        [],
    ],
)
def test_instances_on_nodes_of_their_own_stay(
    cluster: Cluster, nomad: Nomad, instances: list[dict[str, Any]]
) -> None:
    scheduler = Scheduler(nomad, *instances)
    assert placement.spread_out(cluster) == 0
    assert scheduler.stopped == []


@pytest.mark.parametrize(
    "others",
    [
        [],
        [node("node-2", "down")],
        [node("node-2", eligibility="ineligible")],
    ],
)
def test_without_another_node_that_takes_jobs_two_instances_stay_together(
    cluster: Cluster, nomad: Nomad, others: list[dict[str, Any]]
) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), *others]
    scheduler = Scheduler(nomad, instance("a", "1"), instance("b", "1"))
    assert placement.spread_out(cluster) == 0
    assert scheduler.stopped == []
