"""membership.nodes: a machine is removed, and again if that was interrupted."""

import pytest

from cluster.tests.http_server import Refusal, Request
from cluster.tests.membership.conftest import First, Joins
from cluster.tests.nomad_server import node
from tasktracker_cluster.errors import ApiError, NoNodeError
from tasktracker_cluster.membership import members, nodes

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
        "/v1/nodes": [node("node-1"), node("node-2")],
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
