"""jobs.numbers: which machine has which member of the databases."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.http_server import Refusal, Request, serving
from cluster.tests.nomad_server import METADATA, Nomad, node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, NotReadyError
from tasktracker_cluster.jobs import numbers

KEY = "tasktracker/members"


@pytest.fixture
def consul() -> Iterator[Consul]:
    with serving(Consul()) as server:
        yield server


def have(nomad: Nomad, *names: str, down: Sequence[str] = ()) -> None:
    """Let Nomad have these nodes."""
    nomad.answers["/v1/nodes"] = [node(name, "down" if name in down else "ready") for name in names]


Refuse = Callable[..., None]


@pytest.fixture
def refuse(nomad: Nomad, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Give a function that has Nomad refuse the requests for metadata of which `when` is true."""

    def refuse(when: Callable[[Request], bool], text: str = "No path to node") -> None:
        known = nomad.answer

        def answer(request: Request) -> object:
            if request.path == METADATA and when(request):
                return Refusal(404, text)
            return known(request)

        monkeypatch.setattr(nomad, "answer", answer)

    return refuse


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


def test_a_machine_whose_nomad_starts_again_is_told_when_it_answers(
    cluster: Cluster, nomad: Nomad, refuse: Refuse
) -> None:
    """Its agents become servers, right after it joined."""
    asked = iter(range(3))
    refuse(lambda _: next(asked, None) is not None)
    have(nomad, "node-1", "node-2")
    assert numbers.assign(cluster) == 2
    assert nomad.metadata == {"2": {"tasktracker.member": "2"}}


def test_a_client_that_starts_again_before_it_is_told_is_told_after_that(
    cluster: Cluster, nomad: Nomad, refuse: Refuse
) -> None:
    told = iter(range(2))
    refuse(lambda request: request.method == "POST" and next(told, None) is not None)
    have(nomad, "node-1", "node-2")
    numbers.assign(cluster)
    assert nomad.metadata == {"2": {"tasktracker.member": "2"}}


def test_a_machine_whose_nomad_starts_so_slowly_that_it_is_down_is_told_after_that(
    cluster: Cluster, nomad: Nomad, refuse: Refuse
) -> None:
    asked = iter(range(3))

    def is_down(_: Request) -> bool:
        if next(asked, None) is None:
            return False
        have(nomad, "node-1", "node-2", down=["node-2"])
        return True

    refuse(is_down)
    have(nomad, "node-1", "node-2")
    numbers.assign(cluster)
    assert nomad.metadata == {"2": {"tasktracker.member": "2"}}


def test_a_machine_that_stays_away_before_it_is_told_is_left_out(
    cluster: Cluster,
    nomad: Nomad,
    consul: Consul,
    refuse: Refuse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(numbers, "LOST_SECONDS", 0.3)

    def is_lost(request: Request) -> bool:
        if request.query["node_id"] != "2":
            return False
        have(nomad, "node-1", "node-2", "node-3", down=["node-2"])
        return True

    refuse(is_lost)
    have(nomad, "node-1", "node-2", "node-3")
    assert numbers.assign(cluster) == 3
    assert consul.keys[KEY] == {"node-1": 1, "node-2": 2, "node-3": 3}
    assert nomad.metadata == {"3": {"tasktracker.member": "3"}}


@pytest.mark.parametrize(("text", "passes"), [("No path to node", True), ("a defect", False)])
def test_a_machine_that_is_ready_and_does_not_answer_is_an_error(
    cluster: Cluster,
    nomad: Nomad,
    refuse: Refuse,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    passes: bool,
) -> None:
    refuse(lambda _: True, text)
    monkeypatch.setattr(numbers, "TELLING_SECONDS", 0)
    have(nomad, "node-1", "node-2")
    with pytest.raises(NotReadyError if passes else ApiError, match=text):
        numbers.assign(cluster)


@pytest.mark.parametrize("told", ["1", None])
def test_a_client_that_lost_or_has_another_number_is_told_again(
    cluster: Cluster, nomad: Nomad, told: str | None
) -> None:
    have(nomad, "node-1", "node-2")
    numbers.assign(cluster)
    nomad.metadata["2"] = {"tasktracker.member": told} if told else {}
    numbers.assign(cluster)
    assert nomad.metadata["2"] == {"tasktracker.member": "2"}


def change_meanwhile(consul: Consul, then: dict[str, int], times: int) -> None:
    """Let another command store these numbers before each of the next writes, so often."""
    known, left = consul.answer, [True] * times

    def answer(request: Request) -> object:
        if request.method == "PUT" and left:
            left.pop()
            known(replace(request, body=then, query={}))
        return known(request)

    consul.answer = answer  # type: ignore[method-assign]  # of this server only


def test_a_machine_is_told_only_the_number_that_is_stored(
    cluster: Cluster, nomad: Nomad, consul: Consul
) -> None:
    have(nomad, "node-1", "node-3")
    change_meanwhile(consul, {"node-1": 1, "node-2": 2}, times=1)
    assert numbers.assign(cluster) == 3
    assert consul.keys[KEY] == {"node-1": 1, "node-2": 2, "node-3": 3}
    assert nomad.metadata == {"3": {"tasktracker.member": "3"}}


def test_a_number_is_released_though_another_machine_gets_one_meanwhile(
    cluster: Cluster, nomad: Nomad, consul: Consul
) -> None:
    have(nomad, "node-1", "node-2")
    numbers.assign(cluster)
    change_meanwhile(consul, {"node-1": 1, "node-2": 2, "node-3": 3}, times=1)
    numbers.release(cluster.consul, "node-2")
    assert consul.keys[KEY] == {"node-1": 1, "node-3": 3}


def test_numbers_that_always_change_are_an_error_and_nobody_is_told(
    cluster: Cluster, nomad: Nomad, consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "LIMIT_SECONDS", 0)
    have(nomad, "node-1", "node-2")
    change_meanwhile(consul, {"node-1": 1}, times=99)
    with pytest.raises(NotReadyError, match="numbers of the databases' members"):
        numbers.assign(cluster)
    assert nomad.metadata == {}


@pytest.mark.parametrize(
    ("stored", "member"), [({}, "m1"), ({"node-1": 1, "node-2": 2}, "m1"), ({"node-1": 3}, "m3")]
)
def test_this_machines_member_is_named_by_its_number(
    cluster: Cluster, consul: Consul, stored: dict[str, int], member: str
) -> None:
    consul.keys[KEY] = stored
    assert numbers.member(cluster) == member
