"""jobs.numbers: which machine has which member of the databases."""

from collections.abc import Iterator, Sequence

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.http_server import serving
from cluster.tests.nomad_server import Nomad, node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import numbers

KEY = "tasktracker/members"


@pytest.fixture
def consul() -> Iterator[Consul]:
    with serving(Consul()) as server:
        yield server


def have(nomad: Nomad, *names: str, down: Sequence[str] = ()) -> None:
    """Let Nomad have these nodes."""
    nomad.answers["/v1/nodes"] = [node(name, "down" if name in down else "ready") for name in names]


def test_one_machine_has_the_number_1_and_needs_no_metadata(
    cluster: Cluster, nomad: Nomad, consul: Consul
) -> None:
    assert numbers.count(cluster.consul) == 1
    assert numbers.assign(cluster) == 1
    assert consul.keys[KEY] == {"node-1": 1}
    assert nomad.metadata == {}, "its agent has it from its files"


def test_three_of_four_machines_have_a_number_and_their_clients_know_it(
    cluster: Cluster, nomad: Nomad, consul: Consul
) -> None:
    have(nomad, "node-1", "node-10", "node-2", "node-3")
    assert numbers.assign(cluster) == 3
    assert consul.keys[KEY] == {"node-1": 1, "node-2": 2, "node-3": 3}
    assert nomad.metadata == {"2": {"tasktracker.member": "2"}, "3": {"tasktracker.member": "3"}}


def test_the_first_machine_has_the_number_1_under_every_name(
    cluster: Cluster, nomad: Nomad, consul: Consul
) -> None:
    have(nomad, "alpha", "node-1")
    numbers.assign(cluster)
    assert consul.keys[KEY] == {"node-1": 1, "alpha": 2}


def test_a_machine_keeps_its_number_while_it_is_down(
    cluster: Cluster, nomad: Nomad, consul: Consul
) -> None:
    have(nomad, "node-1", "node-2", "node-3")
    numbers.assign(cluster)
    have(nomad, "node-1", "node-2", "node-3", "node-4", down=["node-2"])
    assert numbers.assign(cluster) == 3
    assert consul.keys[KEY] == {"node-1": 1, "node-2": 2, "node-3": 3}


def test_a_removed_machines_number_goes_to_the_next_one(
    cluster: Cluster, nomad: Nomad, consul: Consul
) -> None:
    have(nomad, "node-1", "node-2", "node-3", "node-4")
    numbers.assign(cluster)
    numbers.release(cluster.consul, "node-2")
    have(nomad, "node-1", "node-3", "node-4")
    assert numbers.assign(cluster) == 3
    assert consul.keys[KEY] == {"node-1": 1, "node-3": 3, "node-4": 2}
    assert nomad.metadata["4"] == {"tasktracker.member": "2"}


def test_a_machine_without_a_number_is_removed_without_a_change(
    cluster: Cluster, nomad: Nomad, consul: Consul
) -> None:
    numbers.assign(cluster)
    numbers.release(cluster.consul, "node-9")
    assert consul.keys[KEY] == {"node-1": 1}


@pytest.mark.parametrize("told", ["1", None])
def test_a_client_that_lost_or_has_another_number_is_told_again(
    cluster: Cluster, nomad: Nomad, told: str | None
) -> None:
    have(nomad, "node-1", "node-2")
    numbers.assign(cluster)
    nomad.metadata["2"] = {"tasktracker.member": told} if told else {}
    numbers.assign(cluster)
    assert nomad.metadata["2"] == {"tasktracker.member": "2"}
