"""The cluster's authority and certificates, in files."""

import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from cluster.tests.killed import KilledError, killed_at
from tasktracker_cluster.agents import certificates, ownership
from tasktracker_cluster.agents.certificates import CONSUL, RENEWED_BEFORE_END, TOOLS, Role
from tasktracker_cluster.errors import StaleStateError
from tasktracker_cluster.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(home=tmp_path, checkout=tmp_path)
    site.secrets.mkdir(mode=0o700)
    return site


def test_a_valid_certificate_is_kept(site: Site) -> None:
    first = certificates.identity(site, CONSUL)
    assert certificates.identity(site, CONSUL) == first
    assert {stat.S_IMODE(file.stat().st_mode) for file in site.secrets.iterdir()} == {0o600}


def test_a_certificate_that_expires_soon_is_replaced_with_another_key(site: Site) -> None:
    old = certificates.issue(certificates.authority(site), CONSUL, RENEWED_BEFORE_END / 2)
    certificate, key = certificates.paths(site, CONSUL.name)
    certificate.write_text(old.certificate)
    key.write_text(old.key)
    new = certificates.identity(site, CONSUL)
    assert new.remaining > RENEWED_BEFORE_END
    assert new.key != old.key


def test_a_key_whose_certificate_was_not_written_is_replaced_with_both(site: Site) -> None:
    certificates.identity(site, CONSUL)
    other = certificates.issue(certificates.authority(site), CONSUL)
    certificates.paths(site, CONSUL.name)[1].write_text(other.key)
    assert certificates.present(site, CONSUL) is None
    assert certificates.identity(site, CONSUL).is_pair


@pytest.mark.parametrize(("step", "is_written"), [(0, False), (1, True), (2, True), (3, True)])
def test_a_kill_at_any_step_leaves_the_old_pair_or_the_new_one(
    site: Site, step: int, is_written: bool
) -> None:
    old = certificates.identity(site, TOOLS)
    new = certificates.issue(certificates.authority(site), TOOLS)
    with pytest.raises(KilledError), killed_at(step):
        certificates.write(site, TOOLS.name, new)
    with ownership.locked(site):
        assert certificates.present(site, TOOLS) == (new if is_written else old)
    assert not certificates.is_incomplete(site)
    assert certificates.client(site)
    assert {stat.S_IMODE(file.stat().st_mode) for file in site.secrets.iterdir()} == {0o600}


def test_before_an_interrupted_write_is_finished_the_tools_say_how(site: Site) -> None:
    certificates.identity(site, TOOLS)
    other = certificates.issue(certificates.authority(site), TOOLS)
    certificates.paths(site, TOOLS.name)[1].write_text(other.key)
    with pytest.raises(StaleStateError, match="does not fit its key") as raised:
        certificates.client(site)
    assert "./just up" in raised.value.hint


def test_a_new_authority_issues_every_certificate_anew(site: Site) -> None:
    old = certificates.identity(site, CONSUL)
    for file in certificates.paths(site, "authority"):
        file.unlink()
    assert not certificates.is_valid(old, certificates.authority(site))
    assert certificates.is_valid(certificates.identity(site, CONSUL), certificates.authority(site))


def test_a_clients_certificate_is_not_valid_for_a_server(site: Site) -> None:
    def usages(role: Role) -> set[x509.ObjectIdentifier]:
        found = certificates.identity(site, role).x509.extensions
        return set(found.get_extension_for_class(x509.ExtendedKeyUsage).value)

    assert usages(TOOLS) == {ExtendedKeyUsageOID.CLIENT_AUTH}
    assert usages(CONSUL) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}


def test_the_authority_issues_no_other_authority(site: Site) -> None:
    found = certificates.authority(site).x509.extensions
    assert found.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_the_tools_trust_the_clusters_authority_alone(site: Site) -> None:
    certificates.identity(site, TOOLS)
    context = certificates.client(site)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


def test_without_certificates_the_tools_say_how_to_make_them(site: Site) -> None:
    with pytest.raises(StaleStateError, match="certificate is missing") as error:
        certificates.client(site)
    assert "./just up" in error.value.hint


def test_a_certificate_is_renewed_before_doctor_reports_it() -> None:
    assert timedelta(days=30) < RENEWED_BEFORE_END
