"""agents.authorities: at each stage of a rotation all parties accept each other's certificates."""

import ssl
from pathlib import Path

import pytest

from cluster.tests.killed import every_kill
from tasktracker_cluster.agents import authorities, certificates, ownership
from tasktracker_cluster.agents.authorities import FORGET, ISSUE, STAGES, TRUST
from tasktracker_cluster.agents.certificates import CONSUL, Identity
from tasktracker_cluster.site import Site


@pytest.fixture
def old(site: Site) -> Identity:
    """Return a certificate from before the rotation."""
    site.secrets.mkdir()
    return certificates.identity(site, CONSUL)


def accepts(trusted: str, shown: Identity, folder: Path) -> bool:
    """Return whether a client that trusts these authorities accepts a server's certificate."""
    client = ssl.create_default_context(cadata=trusted)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (folder / "shown.pem").write_text(shown.certificate + shown.key)
    server.load_cert_chain(folder / "shown.pem")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    own = client.wrap_bio(to_client, to_server, server_hostname=CONSUL.names[0])
    for side in (own, theirs, own):  # hello, the server's certificate, its verification
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
    return own.version() is not None


def issued(site: Site) -> Identity:
    """Return a new certificate of the authority that signs now."""
    return certificates.issue(certificates.authority(site), CONSUL)


def secrets_of(site: Site) -> set[str]:
    return {file.name for file in site.secrets.iterdir()}


def test_each_stage_accepts_what_the_stages_beside_it_show(
    site: Site, tmp_path: Path, old: Identity
) -> None:
    trusted, shown, names = [certificates.trusted(site)], [old], secrets_of(site)
    for stage in STAGES:
        authorities.prepare(site, stage)
        trusted.append(certificates.trusted(site))
        shown.append(issued(site))
    accepted = [[accepts(each, identity, tmp_path) for identity in shown] for each in trusted]
    assert accepted == [
        [True, True, False, False],  # before
        [True, True, True, True],  # it trusts the new one, too
        [True, True, True, True],  # it signs with the new one
        [False, False, True, True],  # it has forgotten the old one
    ]
    assert secrets_of(site) == names, "the key of the old one is gone"
    assert accepts(trusted[3], certificates.identity(site, CONSUL), tmp_path), "`up` renews it"


def test_a_repeated_stage_changes_nothing(site: Site, old: Identity) -> None:
    for stage in STAGES:
        authorities.prepare(site, stage)
        before = {file: file.read_text() for file in site.secrets.iterdir()}
        authorities.prepare(site, stage)
        assert {file: file.read_text() for file in site.secrets.iterdir()} == before


@pytest.mark.parametrize("stage", [TRUST, ISSUE])
def test_the_certificates_of_agents_stay_good_until_the_next_stage(
    site: Site, old: Identity, stage: str
) -> None:
    authorities.prepare(site, TRUST)
    assert certificates.identity(site, CONSUL) == old
    if stage == ISSUE:
        authorities.prepare(site, ISSUE)
        assert certificates.identity(site, CONSUL) != old, "`up` completes what was interrupted"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_was_killed_is_completed(site: Site, old: Identity, stage: str) -> None:
    for earlier in STAGES[: STAGES.index(stage)]:
        authorities.prepare(site, earlier)
    signing = certificates.authority(site)
    prepared = {file: file.read_text() for file in site.secrets.iterdir()}

    def work() -> None:
        with ownership.locked(site):
            authorities.prepare(site, stage)

    def recover() -> None:
        work()
        assert (certificates.authority(site) == signing) is (stage != ISSUE)
        count = certificates.trusted(site).count("BEGIN CERTIFICATE")
        assert count == (1 if stage == FORGET else 2)
        assert secrets_of(site) >= {"authority.pem", "authority.key"}
        assert ("next-authority.key" in secrets_of(site)) is (stage == TRUST)
        for file in site.secrets.iterdir():
            file.unlink()
        for file, text in prepared.items():
            file.write_text(text)

    assert every_kill(work, recover) > 0


def test_two_authorities_have_different_names() -> None:
    made = [certificates.make_authority() for _ in range(2)]
    assert len({each.x509.subject for each in made}) == 2
