"""membership.renewal: a joined machine gets new certificates before the old ones end."""

import io
from datetime import timedelta

import pytest
from rich.console import Console

from cluster.tests.membership.conftest import First, Joins
from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.certificates import RENEWED_BEFORE_END, Identity, Role
from tasktracker_cluster.errors import RefusedJoinError, StaleStateError
from tasktracker_cluster.membership import caller, joined_agents, members, renewal
from tasktracker_cluster.membership.members import Member
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site

SOON = RENEWED_BEFORE_END / 2


def let_end(first: First, site: Site, lifetime: timedelta) -> None:
    """Give the machine certificates that end so soon, as if it had joined long ago."""
    issuer = certificates.authority(first.site)
    for role in renewal.of_machine(site):
        shown = Role("node-2") if role == certificates.MEMBERSHIP else role
        certificates.write(site, role.name, certificates.issue(issuer, shown, lifetime))
    members.put(first.cluster.consul, Member("node-2", "10.0.0.2", shown_by(site).fingerprint))


def shown_by(site: Site) -> Identity:
    return certificates.identity(site, certificates.MEMBERSHIP)


def up(site: Site) -> str:
    """Renew as `up` does, and return what it prints."""
    console = Console(file=io.StringIO(), width=200)
    joined_agents.renew_certificates(site, Steps(console))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def is_member(site: Site) -> bool:
    try:
        caller.call(site, "/certificates", {"requests": {}})
    except RefusedJoinError:
        return False
    return True


def test_up_renews_every_certificate_that_ends_soon(first: First, join: Joins) -> None:
    site = join()
    let_end(first, site, SOON)
    printed = up(site)
    assert "renewed: consul, nomad, tools, pages, store, membership" in printed
    issuer = certificates.authority(first.site)
    for role in renewal.of_machine(site):
        assert certificates.is_valid(certificates.identity(site, role), issuer)
    assert is_member(site)


def test_up_renews_nothing_that_is_valid_for_long(join: Joins) -> None:
    site = join()
    before = shown_by(site)
    assert up(site) == ""
    assert shown_by(site) == before


def test_after_a_lost_answer_the_old_certificate_still_works_and_gets_another(
    first: First, join: Joins
) -> None:
    site = join()
    old = shown_by(site)
    for _ in range(3):
        renewal.renew(site, [certificates.MEMBERSHIP])
        certificates.write(site, "membership", old)  # as if the answer had not arrived
        assert is_member(site)
    renewal.renew(site, [certificates.MEMBERSHIP])
    assert shown_by(site) != old
    assert is_member(site)


def test_the_certificate_before_the_last_renewal_is_refused(first: First, join: Joins) -> None:
    site = join()
    old = shown_by(site)
    for _ in range(2):
        renewal.renew(site, [certificates.MEMBERSHIP])
    assert is_member(site)
    certificates.write(site, "membership", old)
    assert not is_member(site)


def test_without_the_first_machine_up_goes_on_with_the_old_certificates(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = join()
    let_end(first, site, SOON)
    before = shown_by(site)
    monkeypatch.setattr(caller, "MEMBERSHIP_PORT", 1)
    assert "not renewed: the first machine does not answer" in up(site)
    assert shown_by(site) == before


def test_a_machine_whose_certificate_has_expired_is_told_to_join_again(
    first: First, join: Joins
) -> None:
    site = join()
    let_end(first, site, timedelta(seconds=-1))
    with pytest.raises(StaleStateError) as raised:
        up(site)
    assert "node remove node-2" in raised.value.hint


def test_only_names_of_a_server_that_are_missing_make_a_valid_certificate_due(
    first: First, join: Joins
) -> None:
    site = join()
    roles = certificates.of_agents(is_server=True)
    assert renewal.due(site, roles) == list(roles)
    members.set_servers(first.cluster.consul, ["node-1", "node-2"])
    renewal.renew(site, roles)
    assert renewal.due(site, roles) == []
