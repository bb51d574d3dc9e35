"""membership.invitations: an invitation is good for an hour, and once."""

import stat
import time
from pathlib import Path

import pytest

from tasktracker_cluster.errors import RefusedJoinError
from tasktracker_cluster.membership import invitations
from tasktracker_cluster.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, tmp_path)


def test_an_invitation_is_good_once(site: Site) -> None:
    secret = invitations.make(site)
    invitations.check(site, secret)
    invitations.use(site, secret)
    with pytest.raises(RefusedJoinError) as raised:
        invitations.use(site, secret)
    assert raised.value.message == "This join line was used already."


def test_two_invitations_do_not_end_each_other(site: Site) -> None:
    one, two = invitations.make(site), invitations.make(site)
    invitations.use(site, one)
    invitations.use(site, two)


def test_an_invitation_ends_after_an_hour(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = invitations.make(site)
    later = time.time() + invitations.LIFETIME_SECONDS
    monkeypatch.setattr(time, "time", lambda: later - 1)
    invitations.check(site, secret)
    monkeypatch.setattr(time, "time", lambda: later + 1)
    with pytest.raises(RefusedJoinError) as raised:
        invitations.use(site, secret)
    assert "expired" in raised.value.message


@pytest.mark.parametrize("secret", ["", "x" * 43, "../../secrets/authority.key"])
def test_an_unknown_secret_is_refused(site: Site, secret: str) -> None:
    invitations.make(site)
    with pytest.raises(RefusedJoinError) as raised:
        invitations.use(site, secret)
    assert raised.value.message == "This join line is not one of this cluster."


def test_no_file_has_the_secret_and_only_root_reads_them(site: Site) -> None:
    secret = invitations.make(site)
    (file,) = (site.home / "invitations").iterdir()
    assert secret not in file.name + file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_invitations_that_ended_long_ago_are_deleted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, _ = invitations.make(site), invitations.make(site)
    invitations.use(site, used)
    later = time.time() + invitations.LIFETIME_SECONDS + invitations.KEPT_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    secret = invitations.make(site)
    invitations.check(site, secret)
    assert len(list((site.home / "invitations").iterdir())) == 1
