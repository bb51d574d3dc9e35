"""The cluster's own certificate authority, and the certificates that agents and their callers show.

Each party has a key of its own. What its certificate is good for is in the certificate: a server's
names are those that Consul and Nomad verify, and a caller's cannot be shown by a server.
"""

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tasktracker_cluster.errors import NotRootError, StaleStateError
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

AUTHORITY_LIFETIME = timedelta(days=3650)
LIFETIME = timedelta(days=365)
RENEWED_BEFORE_END = LIFETIME / 3

# Clocks of the cluster's machines may differ by this much.
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Role:
    """A party. `names` are those that its callers verify; without names it only calls."""

    name: str
    names: tuple[str, ...] = ()


# Agents: the names of their RPC, and the address at which their callers on this machine find them.
CONSUL = Role("consul", ("server.dc1.consul", "127.0.0.1"))
NOMAD = Role("nomad", ("server.global.nomad", "127.0.0.1"))
# Callers of their APIs. The proxy before the pages also serves Nomad's public keys to Consul.
TOOLS = Role("tools")
PAGES = Role("pages", ("127.0.0.1",))
TRAEFIK = Role("traefik")


@dataclass(frozen=True, repr=False)
class Identity:
    """A certificate and its private key, both PEM."""

    certificate: str
    key: str

    @cached_property
    def x509(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.encode())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal digits."""
        return self.x509.fingerprint(hashes.SHA256()).hex()

    @property
    def made(self) -> datetime:
        """When it was issued."""
        return self.x509.not_valid_before_utc + CLOCK_SKEW

    @property
    def rest(self) -> timedelta:
        """How long it is still good."""
        return self.x509.not_valid_after_utc - datetime.now(UTC)


def authority(site: Site) -> Identity:
    """The cluster's authority; made when there is none, or when it is near its end."""
    found = _read(site, "authority")
    if found is None or found.rest < RENEWED_BEFORE_END:
        found = make_authority()
        _write(site, "authority", found)
    return found


def of(site: Site, role: Role) -> Identity:
    """The identity of a party whose files are in `secrets`; renewed when it is near its end."""
    issuer, found = authority(site), _read(site, role.name)
    if found is None or not is_good(found, issuer):
        found = issue(issuer, role)
        _write(site, role.name, found)
    return found


def client(site: Site) -> ssl.SSLContext:
    """What the tools trust, and show to the agents. Raises NotRootError, StaleStateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(paths(site, "authority")[0])
        context.load_cert_chain(*paths(site, TOOLS.name))
    except PermissionError as error:
        raise NotRootError(
            "Only root may read the cluster's keys.", "Run the command with sudo."
        ) from error
    except FileNotFoundError as error:
        raise StaleStateError(
            f"{site.secrets} lacks a certificate.", "Make it anew with: ./just up"
        ) from error
    return context


def environment(site: Site, prefix: str) -> dict[str, str]:
    """What `consul` (prefix CONSUL) or `nomad` (NOMAD) trusts and shows, as variables."""
    certificate, key = paths(site, TOOLS.name)
    return {
        f"{prefix}_CACERT": str(paths(site, "authority")[0]),
        f"{prefix}_CLIENT_CERT": str(certificate),
        f"{prefix}_CLIENT_KEY": str(key),
    }


def hand_over(site: Site, role: Role, folder: Path, owner: str) -> bool:
    """Write what a party shows and trusts for its own user's eyes; say whether that changed it."""
    identity = of(site, role)
    texts = {
        "authority.pem": authority(site).certificate,
        "certificate.pem": identity.certificate,
        "key.pem": identity.key,
    }
    changed = [files.write(folder / name, text, 0o600, owner) for name, text in texts.items()]
    return any(changed)


def paths(site: Site, name: str) -> tuple[Path, Path]:
    """The files of a certificate and its key."""
    return site.secrets / f"{name}.pem", site.secrets / f"{name}.key"


def end(file: Path) -> datetime:
    """Until when the certificate in this file is good."""
    return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc


def is_good(identity: Identity, issuer: Identity) -> bool:
    """Whether this authority issued it, and it is not near its end."""
    try:
        identity.x509.verify_directly_issued_by(issuer.x509)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return identity.rest > RENEWED_BEFORE_END


def issue(issuer: Identity, role: Role, lifetime: timedelta = LIFETIME) -> Identity:
    """Make a key for the role, and a certificate for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if role.names:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    builder = (
        _builder(role.name, lifetime, key.public_key())
        .issuer_name(issuer.x509.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=True)
    )
    if role.names:
        names = x509.SubjectAlternativeName(_general_names(role.names))
        builder = builder.add_extension(names, critical=False)
    issuer_key = serialization.load_pem_private_key(issuer.key.encode(), password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)  # noqa: S101  for mypy: we made it
    return Identity(_pem(builder.sign(issuer_key, hashes.SHA256())), _private_pem(key))


def make_authority() -> Identity:
    """Make an authority of the cluster's kind."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = "TaskTracker agents"
    builder = (
        _builder(name, AUTHORITY_LIFETIME, key.public_key())
        .issuer_name(_name(name))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Identity(_pem(builder.sign(key, hashes.SHA256())), _private_pem(key))


def _builder(
    name: str, lifetime: timedelta, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    return [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
        for name in names
    ]


def _read(site: Site, name: str) -> Identity | None:
    certificate, key = paths(site, name)
    if not certificate.exists() or not key.exists():
        return None
    return Identity(certificate.read_text(), key.read_text())


def _write(site: Site, name: str, identity: Identity) -> None:
    certificate, key = paths(site, name)
    files.write(key, identity.key, mode=0o600)
    files.write(certificate, identity.certificate, mode=0o600)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
