"""The same job files are for one machine and for many: counts, nodes, and the loss of a node."""

import re

import pytest

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES, GATEWAY, SERVICES
from tests.infra.reading import ROOT, Json, only_group, read_job, tasks

SECOND = 10**9  # Nomad counts nanoseconds
MOST_INSTANCES = 9  # TASKTRACKER_INSTANCES has one digit
CONNECTIONS = 100 - 3  # PostgreSQL's defaults: in all, and for superusers only

each_service = pytest.mark.parametrize("service", [each.name for each in SERVICES])
each_database = pytest.mark.parametrize("database", [each.name for each in DATABASES])


@each_service
@pytest.mark.parametrize("instances", [1, 2, 3])
def test_a_deployment_replaces_all_instances_at_once_by_as_many_canaries(
    site: Site, service: str, instances: int
) -> None:
    group = only_group(read_job(site, service, instances=str(instances)))
    update = group["Update"]
    assert group["Count"] == update["Canary"] == update["MaxParallel"] == instances
    assert update["AutoPromote"]
    assert update["AutoRevert"]


@each_service
def test_a_service_has_one_instance_unless_more_are_asked_for(
    jobs: dict[str, Json], service: str
) -> None:
    assert only_group(jobs[service])["Count"] == 1


@pytest.mark.parametrize(
    ("service", "pools", "checks"), [("task-service", 2, 2), ("user-service", 1, 0)]
)
def test_all_pools_of_a_deployment_fit_into_the_database(
    site: Site, service: str, pools: int, checks: int
) -> None:
    for instances in range(1, MOST_INSTANCES + 1):
        job = read_job(site, service, instances=str(instances))
        (app,) = (task for task in tasks(job) if task["Name"] == "app")
        size = int(app["Env"]["DATABASE_POOL_SIZE"])
        assert size == 10 or instances > 2, "one machine and two have the services' default"
        assert size > 0
        assert 2 * instances * (pools * size + checks) <= CONNECTIONS, instances


@each_service
def test_instances_go_to_different_nodes_but_may_share_one(
    jobs: dict[str, Json], service: str
) -> None:
    group = only_group(jobs[service])
    assert [each["Attribute"] for each in group["Spreads"]] == ["${node.unique.id}"]
    assert not group["Constraints"]  # distinct_hosts would leave no node for canaries


@each_service
def test_a_drain_moves_the_next_instance_once_the_last_one_is_healthy(
    jobs: dict[str, Json], service: str
) -> None:
    migrate = only_group(jobs[service])["Migrate"]
    assert (migrate["MaxParallel"], migrate["HealthCheck"]) == (1, "checks")
    assert migrate["MinHealthyTime"] == 0


@each_service
def test_an_instance_of_a_lost_node_is_replaced_at_once_and_stopped_when_it_is_back(
    jobs: dict[str, Json], service: str
) -> None:
    assert only_group(jobs[service])["Disconnect"] is None  # Nomad's default does that


@each_database
def test_a_database_is_only_where_its_volume_is_and_is_never_replaced_elsewhere(
    jobs: dict[str, Json], database: str
) -> None:
    group = only_group(jobs[database])
    assert group["Count"] == 1
    assert [(v["Type"], v["Source"]) for v in group["Volumes"].values()] == [("host", database)]
    disconnect = group["Disconnect"]
    assert disconnect["LostAfter"] > 100 * 24 * 3600 * SECOND  # without it, Nomad takes it for lost
    assert (disconnect["Replace"], disconnect["Reconcile"]) == (False, "keep_original")


@each_database
def test_only_in_a_handover_may_two_members_be_on_one_machine(site: Site, database: str) -> None:
    usual = read_job(site, database, network="192.0.2.1")
    handover = read_job(site, database, network="192.0.2.1", handover="true")
    for job, canary, operands in (
        (usual, 0, {"distinct_hosts", "is_set"}),
        (handover, 1, {"is_set"}),
    ):
        group = only_group(job)
        assert {each["Operand"] for each in group["Constraints"]} == operands
        assert group["Update"]["Canary"] == canary
        assert not group["Update"]["AutoPromote"], "jobs/handover.py does it"
    # The next version is the same but for the above, so Nomad changes the instance in place.
    differing = {"Constraints", "Update"}
    assert all(only_group(usual)[name] == only_group(handover)[name]
               for name in only_group(usual).keys() - differing)  # fmt: skip
    assert usual["Meta"] == handover["Meta"]
    assert usual["Meta"]["locks"] == "data"


def test_each_node_has_a_gateway_and_a_deployment_restarts_one_after_the_other(
    jobs: dict[str, Json],
) -> None:
    assert jobs[GATEWAY]["Type"] == "system"
    update = only_group(jobs[GATEWAY])["Update"]
    assert update["MaxParallel"] == 1
    assert not update["Canary"]
    assert update["HealthCheck"] == "checks"
    disconnect = only_group(jobs[GATEWAY])["Disconnect"]
    assert disconnect["LostAfter"] >= 24 * 3600 * SECOND
    assert disconnect["Replace"] is False


def seconds(agent_file: str) -> dict[str, int]:
    """Return the times of a Nomad server that decide when a node, or a connection, is lost."""
    text = (ROOT / "nomad/agent" / agent_file).read_text()
    found = re.findall(r'(\w*(?:heartbeat|alive|timeout)\w*)\s*=\s*"(\d+)([sm])"', text)
    return {name: int(number) * (60 if unit == "m" else 1) for name, number, unit in found}


def test_a_living_node_is_not_taken_for_lost_with_another_one() -> None:
    times = seconds("server.hcl")
    assert times["heartbeat_grace"] > 10 + 1, "a call to a lost server hangs for ten seconds"
    assert times["failover_heartbeat_ttl"] > 10 + 5, "a call to a lost leader hangs as long"
    assert 2 * times["min_heartbeat_ttl"] + times["heartbeat_grace"] < 20
    connection = seconds("cluster.hcl.tmpl")
    assert connection.keys() == {"keep_alive_interval", "connection_write_timeout"}
    assert sum(connection.values()) + 10 < times["failover_heartbeat_ttl"], "one call after another"


def test_one_machine_is_not_taken_for_lost_when_it_is_busy() -> None:
    assert seconds("single.hcl") == {
        "min_heartbeat_ttl": 10,
        "heartbeat_grace": 300,
        "failover_heartbeat_ttl": 300,
    }
