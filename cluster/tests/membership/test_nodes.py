"""membership.nodes: removing a machine, and what a refused or repeated leave does to it."""

import os

import pytest

from cluster.tests.http_server import Refusal, Request
from cluster.tests.membership.conftest import First, Joins
from cluster.tests.nomad_server import node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands import machines
from tasktracker_cluster.errors import (
    ApiError,
    NoNodeError,
    NoStandbyError,
    RefusedJoinError,
    RefusedLeaveError,
)
from tasktracker_cluster.jobs import rollout
from tasktracker_cluster.membership import caller, members, nodes

RAFT = "/v1/operator/raft/configuration"
DRAIN = "/v1/node/2/drain"
FORCE_LEAVE = "/v1/agent/force-leave"


def peers(*names: str) -> dict[str, object]:
    return {"Servers": [{"Node": name, "ID": name, "Voter": True} for name in names]}


@pytest.fixture
def drains(first: First) -> list[object]:
    """Let both agents answer a leave and a removal of node-2, and return the changes of drains."""
    changes: list[object] = []

    def drain(request: Request) -> object:
        changes.append(request.body["DrainSpec"])
        return {}

    first.consul.answers[RAFT] = peers("node-1")
    first.nomad.answers |= {
        "/v1/nodes": lambda _: [node(each.name) for each in members.all_of(first.cluster.consul)],
        "/v1/node/2": {"DrainStrategy": None},
        "/v1/node/2/purge": {},
        DRAIN: drain,
        FORCE_LEAVE: {},
        RAFT: peers("node-1.global"),
    }
    return changes


@pytest.mark.usefixtures("drains")
@pytest.mark.parametrize("is_member", [True, False])
def test_a_machine_is_removed_whether_consul_still_knows_it_or_not(
    first: First, join: Joins, is_member: bool
) -> None:
    join()
    first.consul.lost = {"node-2"} if is_member else set()
    nodes.forget(first.cluster, "node-2")
    assert first.consul.left == (["node-2"] if is_member else [])
    assert first.consul.tokens == []
    assert [each.name for each in members.all_of(first.cluster.consul)] == ["node-1"]


@pytest.mark.usefixtures("drains")
@pytest.mark.parametrize("meanwhile", [False, True])
def test_the_stores_know_a_machine_from_its_start_to_its_removal(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch, meanwhile: bool
) -> None:
    told: list[list[str]] = []

    def tell(_: Cluster, addresses: list[str]) -> None:
        told.append(addresses)
        if meanwhile:  # the next `up` tells them
            raise ApiError("The job was changed meanwhile.")

    monkeypatch.setattr(rollout, "tell_stores", tell)
    caller.call(join(), "/ready", {"restored": False})
    assert told == [["127.0.0.1", "10.0.0.2"]]
    first.consul.lost = {"node-2"}
    nodes.forget(first.cluster, "node-2")
    assert told[1:] == [["127.0.0.1"]]


@pytest.mark.usefixtures("drains")
def test_an_interrupted_removal_has_ended_the_tokens_and_a_second_one_completes_it(
    first: First, join: Joins
) -> None:
    join()
    first.consul.lost = {"node-2"}
    first.nomad.answers[FORCE_LEAVE] = Refusal(500, "no leader")
    with pytest.raises(ApiError):
        nodes.forget(first.cluster, "node-2")
    assert first.consul.tokens == []
    first.nomad.answers[FORCE_LEAVE] = {}
    nodes.must_be_known(first.cluster, "node-2")
    nodes.forget(first.cluster, "node-2")
    assert [each.name for each in members.all_of(first.cluster.consul)] == ["node-1"]


def test_a_name_that_nothing_knows_is_no_machine(first: First) -> None:
    with pytest.raises(NoNodeError) as raised:
        nodes.must_be_known(first.cluster, "node-9")
    assert (raised.value.message, raised.value.hint) == (
        "There is no machine node-9.",
        "The machines are: node-1",
    )


def test_a_machine_without_a_record_is_known_while_consul_or_nomad_have_it(first: First) -> None:
    first.consul.lost = {"node-2"}
    first.nomad.answers["/v1/nodes"] = [node("node-1"), node("node-3", "down")]
    for name in ("node-2", "node-3"):
        nodes.must_be_known(first.cluster, name)


@pytest.mark.skipif(os.geteuid() != 0, reason="node remove needs root")
@pytest.mark.usefixtures("drains")
def test_the_command_removes_a_machine_once_and_says_how_to_keep_it_out(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    join()
    monkeypatch.setattr(Cluster, "from_environment", lambda: first.cluster)
    machines.remove("node-2")
    printed = " ".join(capfd.readouterr().err.split())
    assert "node-2 still has keys of the cluster. Before it starts again" in printed
    assert "./just destroy" in printed
    first.nomad.answers["/v1/nodes"] = [node("node-1")]
    with pytest.raises(NoNodeError):
        machines.remove("node-2")


@pytest.mark.skipif(os.geteuid() != 0, reason="node remove needs root")
@pytest.mark.usefixtures("drains")
def test_the_command_refuses_a_machine_that_answers(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    join()
    first.consul.alive.add("node-2")
    monkeypatch.setattr(Cluster, "from_environment", lambda: first.cluster)
    with pytest.raises(RefusedLeaveError, match="node-2 still answers"):
        machines.remove("node-2")
    assert len(first.consul.tokens) == 2


LEADS = {"state": "running", "role": "primary"}
COPIES = {"state": "running", "replication_state": "streaming"}


def lead_on_node_2(first: First, *others: str) -> None:
    """Let the machine node-2 have the leader of task-db, and other members copy it."""
    first.consul.keys |= {
        "tasktracker/members": {"node-1": 1, "node-2": 2},
        "service/task-db/leader": b"m2",
        "service/task-db/members/m2": LEADS,
        **{f"service/task-db/members/{name}": COPIES for name in others},
        "service/task-db/sync": {"leader": "m2", "sync_standby": ",".join(others)},
    }


def test_before_a_machine_is_drained_its_leaders_move_away(
    first: First, join: Joins, drains: list[object]
) -> None:
    join()
    lead_on_node_2(first, "m1")
    path = "/v1/health/connect/task-db"
    wished: list[object] = []

    def passing(_: Request) -> object:
        return [{"Service": {"Meta": {"member": "m1"}}, "Checks": []}]

    def follow(request: Request) -> object:
        """Answer for nodes, and let Patroni follow a wish meanwhile."""
        if wish := first.consul.keys.pop("service/task-db/failover", None):
            wished.append((wish, len(drains)))
            first.consul.keys["service/task-db/leader"] = b"m1"
        return passing(request)

    first.consul.answers[path] = follow
    answer = first.consul.answer

    def answering(request: Request) -> object:
        found = answer(request)
        follow(request)
        return found

    first.consul.answer = answering  # type: ignore[method-assign]  # of this server only
    nodes.drain(first.cluster, "node-2")
    assert wished == [({"leader": "m2", "member": "m1"}, 0)]
    assert len(drains) == 1


def test_a_machine_whose_leader_has_no_replica_is_not_drained(
    first: First, join: Joins, drains: list[object]
) -> None:
    site = join()
    lead_on_node_2(first)
    with pytest.raises(NoStandbyError, match="task-db has no replica that has every write"):
        nodes.drain(first.cluster, "node-2")
    with pytest.raises(RefusedJoinError, match="task-db has no replica"):
        caller.call(site, "/leave", {})
    assert drains == [None], "the refused leave lets it take instances as before"


def test_a_leave_that_is_refused_after_the_drain_lets_the_machine_take_instances_again(
    first: First, join: Joins, drains: list[object]
) -> None:
    site = join()
    everyone = peers("node-1", "node-2", "node-3")
    first.consul.alive = {"node-1", "node-2", "node-3"}
    first.consul.answers[RAFT] = everyone
    first.nomad.answers[RAFT] = everyone

    def ended(_: Request) -> object:
        first.consul.alive.discard("node-3")  # it is lost while node-2 drains
        return {"DrainStrategy": None}

    first.nomad.answers["/v1/node/2"] = ended
    with pytest.raises(RefusedJoinError, match="The servers need node-2"):
        caller.call(site, "/leave", {})
    assert len(drains) == 2
    assert drains[-1] is None


@pytest.mark.usefixtures("drains")
def test_a_leave_that_nomad_has_completed_already_is_repeated(first: First, join: Joins) -> None:
    site = join()
    first.nomad.answers["/v1/nodes"] = [node("node-1")]
    assert caller.call(site, "/leave", {}) == {}
    assert caller.call(site, "/left", {}) == {}
    assert len(members.all_of(first.cluster.consul)) == 1
