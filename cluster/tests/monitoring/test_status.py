"""monitoring.status: the line of each job, from the answers of Nomad and Consul."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, Refusal, serving
from cluster.tests.nomad_server import Nomad, allocation, node, task_state
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.membership import members
from tasktracker_cluster.membership.members import Member
from tasktracker_cluster.monitoring import status
from tasktracker_cluster.monitoring.status import Row
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site

FIRST = Node(address="10.0.0.1")

PASSING = [{"Checks": [{"Name": "ready", "Status": "passing"}]}]
FAILING = [{"Checks": [{"Name": "ready", "Status": "critical", "Node": "node-2"}]}]


ONE, TWO = ("node-1",), ("node-1", "node-2")


def job(*, stop: bool = False, count: int = 1, kind: str = "service") -> dict[str, Any]:
    groups = [{"Count": count}]
    return {"Type": kind, "Stop": stop, "Status": "running", "TaskGroups": groups}


def test_without_a_cluster_there_are_no_rows(cluster: Cluster) -> None:
    assert status.rows(cluster) == []


def test_without_agents_the_state_of_each_job_is_unknown(cluster: Cluster) -> None:
    cluster.site.owner_file.write_text('{"checkout": "/"}')
    rows = status.rows(cluster)
    assert {row.health for row in rows if row.kind == "agent"} == {"failing"}
    assert {row.health for row in rows if row.kind == "job"} == {"no agents"}
    assert not any(row.is_well for row in rows)


@pytest.mark.parametrize(
    ("known", "instances", "checks", "row"),
    [
        (job(count=2), 1, PASSING, Row("job", "portal", "running", 1, 2, "only 1 of 2 run", ONE)),
        (job(), 1, FAILING, Row("job", "portal", "running", 1, 1, "failing: ready", ONE)),
        (job(), 0, [], Row("job", "portal", "running", 0, 1, "not registered")),
        (job(stop=True), 0, [], Row("job", "portal", "stopped", 0, 0, "not registered")),
    ],
)
def test_a_jobs_row_has_nomads_state_and_consuls_health(
    cluster: Cluster,
    nomad: Nomad,
    consul: Agent,
    known: dict[str, Any],
    instances: int,
    checks: list[Any],
    row: Row,
) -> None:
    nomad.answers["/v1/job/portal"] = known
    stopped = allocation(status="complete")
    nomad.answers["/v1/job/portal/allocations"] = [stopped, *[allocation()] * instances]
    consul.answers["/v1/health/service/portal"] = checks
    assert status.of_job(cluster, "portal") == row


def test_a_jobs_row_says_on_which_nodes_its_instances_and_its_failing_checks_are(
    cluster: Cluster, nomad: Nomad, consul: Agent
) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2")]
    nomad.answers["/v1/job/portal"] = job(count=2)
    instances = [allocation("b", NodeName="node-2"), allocation("a", NodeName="node-1")]
    nomad.answers["/v1/job/portal/allocations"] = instances
    consul.answers["/v1/health/service/portal"] = [*PASSING, *FAILING]
    row = status.of_job(cluster, "portal")
    assert (row.running, row.wanted, row.nodes) == (2, 2, TWO)
    assert row.health == "failing: ready on node-2"


def test_a_system_job_wants_an_instance_on_each_node_that_takes_jobs(
    cluster: Cluster, nomad: Nomad, consul: Agent
) -> None:
    down, drained = node("node-3", "down"), node("node-4", eligibility="ineligible")
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2"), down, drained]
    nomad.answers["/v1/job/traefik"] = job(kind="system")
    nomad.answers["/v1/job/traefik/allocations"] = [allocation()]
    consul.answers["/v1/health/service/traefik"] = PASSING
    row = status.of_job(cluster, "traefik")
    assert (row.running, row.wanted) == (1, 2)


@pytest.mark.parametrize(("others", "there"), [(0, 0), (2, 2), (2, 1)])
def test_the_collector_of_logs_wants_an_instance_on_each_node_but_the_first(
    cluster: Cluster, nomad: Nomad, consul: Agent, others: int, there: int
) -> None:
    not_here = [{"LTarget": "${node.unique.name}", "Operand": "!=", "RTarget": "node-1"}]
    nomad.answers["/v1/nodes"] = [node(f"node-{n}") for n in range(1, others + 2)]
    nomad.answers["/v1/job/collector"] = {**job(kind="system"), "Constraints": not_here}
    nomad.answers["/v1/job/collector/allocations"] = [allocation()] * there
    consul.answers["/v1/health/service/collector"] = PASSING if there else []
    row = status.of_job(cluster, "collector")
    assert (row.running, row.wanted) == (there, others)
    assert row.is_well == (there == others)


def test_a_job_that_nomad_does_not_know_is_not_deployed(cluster: Cluster) -> None:
    assert status.of_job(cluster, "portal") == Row("job", "portal", "not deployed", 0, 0, "-")


def test_a_refusal_is_the_jobs_health(cluster: Cluster, nomad: Nomad) -> None:
    nomad.answers["/v1/job/portal"] = job()
    nomad.answers["/v1/job/portal/allocations"] = []
    row = status.of_job(cluster, "portal")  # Consul knows nothing
    assert (row.state, row.running, row.is_well) == ("unknown", None, False)
    assert row.health.startswith("Agent answered 404")


INSTALLED = {"install": task_state("dead"), "installed": task_state()}
INSTALLING = {"install": task_state(), "installed": task_state("pending")}


@pytest.mark.parametrize(
    ("name", "states", "health"),
    [
        ("store", [{}, {}], "passing"),
        ("store", [{}], "only 1 of 2 run"),
        ("store", [], "none runs"),
        ("release", [INSTALLED, INSTALLED], "passing"),
        ("release", [INSTALLED, INSTALLING], "only 1 of 2 run"),
    ],
)
def test_a_job_of_releases_is_well_when_it_runs_on_each_node(
    cluster: Cluster, nomad: Nomad, name: str, states: list[dict[str, Any]], health: str
) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2")]
    nomad.answers[f"/v1/job/{name}"] = job(kind="system")
    instances = [allocation(TaskStates=each) for each in states]
    nomad.answers[f"/v1/job/{name}/allocations"] = instances
    assert status.of_job(cluster, name).health == health


def test_a_stopped_job_of_releases_is_not_well(cluster: Cluster, nomad: Nomad) -> None:
    nomad.answers["/v1/job/store"] = job(kind="system", stop=True)
    nomad.answers["/v1/job/store/allocations"] = []
    assert status.of_job(cluster, "store") == Row("job", "store", "stopped", 0, 0, "none runs")


RAFT = "/v1/operator/raft/configuration"


def voters(*names: str) -> dict[str, object]:
    return {"Servers": [{"Node": name, "Voter": True} for name in names]}


@pytest.fixture
def shared(site: Site, nomad: Nomad) -> Iterator[FakeCluster]:
    """Give a cluster of three machines, each a server."""
    site.node_file.write_text(FIRST.text)
    names = ["node-1", "node-2", "node-3"]
    with serving(Consul()) as consul:
        cluster = FakeCluster(site, nomad, consul)
        for name in names:
            members.put(cluster.consul, Member(name, "10.0.0.1"))
        members.set_servers(cluster.consul, names)
        consul.answers[RAFT] = voters(*names)
        nomad.answers[RAFT] = voters(*(f"{name}.global" for name in names))
        yield cluster


def test_three_servers_with_their_own_votes_are_no_warning(shared: FakeCluster) -> None:
    assert status.warnings(shared) == []


def test_without_a_leader_the_machines_are_unknown(shared: FakeCluster, nomad: Nomad) -> None:
    nomad.answers["/v1/nodes"] = Refusal(500, "No cluster leader")
    (row,) = status.machines(shared)
    assert (row.kind, row.state, row.is_well) == ("machine", "unknown", False)
    assert "No cluster leader" in row.health


def test_less_than_three_servers_are_a_warning(shared: FakeCluster) -> None:
    members.set_servers(shared.consul, ["node-1"])
    (warning,) = status.warnings(shared)
    assert warning.startswith("Nothing is safe yet")


def test_a_removed_machine_that_votes_again_is_a_warning_with_what_to_do(
    shared: FakeCluster,
) -> None:
    members.remove(shared.consul, "node-3")
    assert status.warnings(shared) == [
        "node-3 was removed and votes again. On it: ./just destroy. "
        "Then here: tasktracker-cli admin node remove node-3"
    ]


def test_the_line_of_a_machine_has_its_agents_its_role_and_what_it_leads(
    shared: FakeCluster, nomad: Nomad
) -> None:
    consul = shared._consul
    assert isinstance(consul, Consul)
    consul.alive |= {"node-1", "node-2"}
    for name in ("node-1", "node-2", "node-3"):
        members.put(shared.consul, Member(name, f"10.0.0.{name[-1]}"))
    members.set_servers(shared.consul, ["node-1", "node-2"])
    consul.answers["/v1/status/leader"] = "10.0.0.2:8300"
    nomad.answers["/v1/status/leader"] = "10.0.0.2:4647"
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2"), node("node-3", "down")]
    nomad.answers["/v1/allocations"] = [allocation()]
    second = "alive, ready, server, leads Consul and Nomad"
    assert status.machines(shared) == [
        Row("machine", "node-1", "alive, ready, server", 1, 1, "passing"),
        Row("machine", "node-2", second, 0, 0, "passing"),
        Row("machine", "node-3", "gone, down", 0, 0, "failing"),
    ]


def test_a_machine_that_has_joined_asks_nobody_who_votes(shared: FakeCluster, nomad: Nomad) -> None:
    del nomad.answers[RAFT]  # its token may not read this
    shared.site.node_file.write_text(Node("node-2", "10.0.0.2", True, "10.0.0.1").text)
    assert status.warnings(shared) == []
