"""membership.sharing: an invitation names the certificate that the running server shows."""

import io

import pytest
from rich.console import Console

from cluster.tests.membership.conftest import First
from tasktracker_cluster.agents import certificates, membership_program, supervisor
from tasktracker_cluster.agents.certificates import MEMBERSHIP, RENEWED_BEFORE_END
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.membership import members, quorum, sharing
from tasktracker_cluster.membership.members import Member
from tasktracker_cluster.progress import Steps


def test_an_invitation_keeps_a_certificate_that_ends_soon(first: First) -> None:
    issuer = certificates.authority(first.site)
    ending = certificates.issue(issuer, MEMBERSHIP, RENEWED_BEFORE_END / 2)
    certificates.write(first.site, MEMBERSHIP.name, ending)
    assert sharing.invite(first.site).fingerprint == ending.fingerprint
    assert certificates.present(first.site, MEMBERSHIP) == ending


def test_without_a_certificate_nobody_is_invited(first: First) -> None:
    certificates.paths(first.site, MEMBERSHIP.name)[0].unlink()
    with pytest.raises(NotReadyError) as raised:
        sharing.invite(first.site)
    assert raised.value.hint == "./just up"


def test_up_makes_three_servers_when_one_was_away_as_the_third_machine_joined(
    first: First, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy machine answers the gossip late, and counts as away for a moment."""
    monkeypatch.setattr(membership_program, "render", lambda _: False)
    monkeypatch.setattr(supervisor, "ensure", lambda *_: None)
    monkeypatch.setattr(supervisor, "wait_for", lambda *_: None)
    consul = first.cluster.consul
    for n in (2, 3):
        members.put(consul, Member(f"node-{n}", f"10.0.0.{n}"))
    members.set_servers(consul, ["node-1"])
    first.consul.alive = {"node-1", "node-3"}
    assert quorum.choose(first.cluster) == ["node-1"]

    first.consul.alive.add("node-2")
    sharing.start(first.cluster, Steps(Console(file=io.StringIO())))
    assert members.servers(consul) == ["node-1", "node-2", "node-3"]
