"""membership.quorum: a machine may leave only while a majority of both kinds of servers is left."""

import pytest

from cluster.tests.membership.conftest import First
from tasktracker_cluster.errors import RefusedLeaveError
from tasktracker_cluster.membership import quorum

RAFT = "/v1/operator/raft/configuration"


def peers(*names: str) -> dict[str, object]:
    return {"Servers": [{"Node": name, "Voter": True} for name in names]}


@pytest.mark.parametrize(
    ("consul", "nomad", "alive", "spared"),
    [
        ("abc", "abc", "abc", True),
        ("abc", "abc", "ab", False),
        ("ab", "abc", "ab", False),  # Consul has forgotten c already, Nomad has not
        ("abc", "ab", "ab", False),
        ("ab", "ab", "ab", True),
        ("ac", "ac", "ac", True),  # b is no server
        ("abcde", "abcde", "abcd", True),
    ],
)
def test_b_may_leave_if_both_majorities_live_without_it(
    first: First, consul: str, nomad: str, alive: str, spared: bool
) -> None:
    first.consul.alive = set(alive)
    first.consul.answers[RAFT] = peers(*consul)
    first.nomad.answers[RAFT] = peers(*(f"{name}.global" for name in nomad))
    if spared:
        quorum.must_spare(first.cluster, "b")
    else:
        with pytest.raises(RefusedLeaveError):
            quorum.must_spare(first.cluster, "b")
