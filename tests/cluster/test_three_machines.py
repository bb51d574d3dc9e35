"""The short proof of three machines, which every run has. The drills go further.

They form a cluster, each service runs on two of them, and the loss of one is no loss of a task.
"""

from contextlib import closing

import pytest

from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.topology import SERVICES
from tests.cluster import health, load
from tests.cluster.health import LIMIT_SECONDS

USER = "ada"


@pytest.fixture(scope="module")
def formed(lab: Laboratory) -> Laboratory:
    """Give three machines that form a cluster, with two instances of each service."""
    lab.grow()
    lab.machines[0].admin("up")
    health.settle(lab)
    return lab


def write(lab: Laboratory, machine: Machine, title: str) -> str:
    """Make a task through the gateway of a machine. Return its title."""
    with lab.client(), closing(load.client(machine, USER)) as api:
        assert api.post("/api/v1/tasks/", json={"title": title}).status_code == 201
    return title


def test_each_service_runs_on_two_of_the_machines(formed: Laboratory) -> None:
    first, names = formed.machines[0], {machine.name for machine in formed.machines}
    nodes = {service.name: health.nodes_of(first, service.name) for service in SERVICES}
    assert {name: len(set(found)) for name, found in nodes.items()} == dict.fromkeys(nodes, 2)
    assert {node for found in nodes.values() for node in found} <= names


def test_a_lost_machine_stops_no_service_and_no_task_is_lost(formed: Laboratory) -> None:
    first, *_, lost = formed.machines
    written = {write(formed, each, f"through {each.name}") for each in formed.machines}
    for machine in formed.machines:
        assert load.titles(formed, machine, USER) == written, machine.name

    lost.lose_power()
    wait.until("two instances", lambda: health.are_elsewhere(first, lost), LIMIT_SECONDS)

    living = formed.machines[:2]
    written |= {write(formed, each, f"later through {each.name}") for each in living}
    for machine in living:
        assert load.titles(formed, machine, USER) == written, machine.name
