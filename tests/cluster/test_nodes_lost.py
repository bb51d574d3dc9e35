"""What the others do when a machine is cut off for a minute, and when it is back."""

import json
import time

import pytest

from tasktracker_cluster.jobs import placement
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.topology import DATABASES, SERVICES
from tests.cluster import load, steady
from tests.cluster.steady import Report

LIMIT_SECONDS = 120
PARTITION_SECONDS = 60
FAILED_PERCENT = 1  # of the requests to the machines that live
FAILING_SECONDS = 10

pytestmark = pytest.mark.drill


@pytest.fixture(scope="module")
def grown(lab: Laboratory) -> Laboratory:
    """Give three machines that form a cluster, with two instances of each service."""
    lab.grow()
    lab.machines[0].admin("up")
    return lab


def settle(lab: Laboratory) -> None:
    """Wait until all is well on all machines, and each service is on two of them."""
    first = lab.machines[0]
    wait.until("a cluster without a fault", lambda: is_well(first, 3), LIMIT_SECONDS)
    with first.inside():
        placement.spread_out(first.as_operator)


def is_well(machine: Machine, servers: int) -> bool:
    """Return whether every instance is healthy for the operator, and so many servers vote."""
    rows = json.loads(machine.admin("status", "--json", check=False).stdout)
    running = [row["running"] == row["wanted"] for row in rows if row["kind"] == "job"]
    passing = {row["health"] for row in rows} == {"passing"}
    return passing and all(running) and voters(machine) == [servers] * 2


def voters(machine: Machine) -> list[int]:
    """Return how many servers vote in Consul and in Nomad: one that came back does so later."""
    path = "/v1/operator/raft/configuration"
    with machine.inside():
        return [
            sum(server["Voter"] for server in api.call("GET", path)["Servers"])
            for api in (machine.consul, machine.nomad)
        ]


def nodes_of(first: Machine, job: str) -> list[str]:
    """Return the nodes of the healthy instances of a job."""
    with first.inside():
        known = first.allocations(job)
    return sorted(
        each["NodeName"]
        for each in known
        if each["ClientStatus"] == "running" and (each["DeploymentStatus"] or {}).get("Healthy")
    )


def are_elsewhere(first: Machine, lost: Machine) -> bool:
    """Return whether each service has its two instances on other machines than the lost one."""
    nodes = [nodes_of(first, service.name) for service in SERVICES]
    return all(len(each) == placement.SEVERAL and lost.name not in each for each in nodes)


def check(lab: Laboratory, report: Report, user: str) -> None:
    """Compare what was acknowledged with what is stored, and the failures with their limit."""
    assert len(report.failed) <= report.sent * FAILED_PERCENT / 100, report.failed
    assert report.failing_seconds <= FAILING_SECONDS, report.failed
    assert set(report.acknowledged) <= load.titles(lab, lab.machines[0], user)


def test_a_machine_that_is_cut_off_for_a_minute_comes_back_and_no_second_database_starts(
    grown: Laboratory,
) -> None:
    first, _, lost = grown.machines
    settle(grown)
    databases = [first_of(first, database.name) for database in DATABASES]
    with steady.requests(grown, grown.machines[:2], "cut") as report:
        lost.cut()
        begin = time.monotonic()
        wait.until("two instances", lambda: are_elsewhere(first, lost), LIMIT_SECONDS)
        time.sleep(max(0, begin + PARTITION_SECONDS - time.monotonic()))  # the partition itself
        lost.heal()
        settle(grown)
    check(grown, report, "cut")
    assert [first_of(first, database.name) for database in DATABASES] == databases


def first_of(machine: Machine, job: str) -> str:
    """Return the id of the only allocation of a job."""
    with machine.inside():
        return str(machine.allocation(job)["ID"])
