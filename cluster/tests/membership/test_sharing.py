"""membership.sharing: an invitation names the certificate that the running server shows."""

import pytest

from cluster.tests.membership.conftest import First
from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.certificates import MEMBERSHIP, RENEWED_BEFORE_END
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.membership import sharing


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
