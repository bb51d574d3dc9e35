"""The cluster's own certificate authority, and the certificates of agents and their clients.

Each party has a key of its own. Its certificate limits its use: a server's certificate has the
names that Consul and Nomad verify, and a client's certificate is not valid for a server.
"""

import hashlib
import ipaddress
import json
import secrets
import socket
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
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
from tasktracker_cluster.topology import STORE_USER

AUTHORITY_LIFETIME = timedelta(days=3650)
LIFETIME = timedelta(days=365)
RENEWED_BEFORE_END = LIFETIME / 3

CONNECT_SECONDS = 10

AUTHORITY = "authority"

# Clocks of the cluster's machines may differ by this much.
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Role:
    """A party. `names` are the names that its clients verify. A client has no names."""

    name: str
    names: tuple[str, ...] = ()


# Agents: the names that other agents verify, and the address for their clients on this machine.
CONSUL = Role("consul", ("server.dc1.consul", "127.0.0.1"))
NOMAD = Role("nomad", ("server.global.nomad", "127.0.0.1"))
CONSUL_CLIENT = Role("consul", ("client.dc1.consul", "127.0.0.1"))
NOMAD_CLIENT = Role("nomad", ("client.global.nomad", "127.0.0.1"))
# Clients of their APIs. The proxy before the pages also serves Nomad's public keys to Consul.
TOOLS = Role("tools")
PAGES = Role("pages", ("127.0.0.1",))
# The first machine's server for the others (membership/), and each of them as its client.
MEMBERSHIP = Role("membership", ("membership.tasktracker",))
# The store of artifacts on each machine, which is a server for the others' and their client.
STORE = Role("store", ("store.tasktracker",))


@dataclass(frozen=True, repr=False)
class Identity:
    """A certificate and its private key, both in PEM."""

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
    def is_pair(self) -> bool:
        """Whether the key is that of the certificate."""
        key = serialization.load_pem_private_key(self.key.encode(), password=None)
        return key.public_key() == self.x509.public_key()

    @property
    def remaining(self) -> timedelta:
        """The remaining time of validity."""
        return self.x509.not_valid_after_utc - datetime.now(UTC)


def of_agents(is_server: bool) -> tuple[Role, Role]:
    """Return the roles of Consul and Nomad on a machine."""
    return (CONSUL, NOMAD) if is_server else (CONSUL_CLIENT, NOMAD_CLIENT)


def of_consul(is_server: bool) -> tuple[Role, ...]:
    """Return the role whose new certificate proves that Consul has read its files (refreshing)."""
    return of_agents(is_server)[:1]


def authority(site: Site) -> Identity:
    """Return the authority that signs. Make one if there is none, or if it expires soon.

    Only the first machine has its key.
    """
    found = _signing(site)
    if found is None or found.remaining < RENEWED_BEFORE_END:
        found = make_authority()
        write(site, AUTHORITY, found)
    return found


def trusted(site: Site) -> str:
    """Return the certificates of the authorities that are trusted: two during their rotation."""
    if site.node.is_first:
        authority(site)  # which makes the first one
    return _certificate(site, AUTHORITY)


def _signing(site: Site) -> Identity | None:
    """Return the trusted authority whose key is here."""
    certificate, key = paths(site, AUTHORITY)
    if not certificate.exists() or not key.exists():
        return None
    own = key.read_text()
    known = x509.load_pem_x509_certificates(certificate.read_bytes())
    return next((each for c in known if (each := Identity(_pem(c), own)).is_pair), None)


def identity(site: Site, role: Role) -> Identity:
    """Return the identity of a party from `secrets`. Issue one if it is missing or expires soon.

    A machine that has joined cannot issue one. Raises StaleStateError when it is missing there.
    """
    if not site.node.is_first:
        return Identity(_certificate(site, role.name), paths(site, role.name)[1].read_text())
    issuer, found = authority(site), present(site, role)
    if found is None or not is_valid(found, issuer):
        found = issue(issuer, role)
        write(site, role.name, found)
    return found


def present(site: Site, role: Role) -> Identity | None:
    """Return the identity of a party as it is in `secrets`, if it is there.

    A key of another certificate is none: their writing was interrupted.
    """
    certificate, key = paths(site, role.name)
    if not certificate.exists() or not key.exists():
        return None
    found = Identity(certificate.read_text(), key.read_text())
    return found if found.is_pair else None


def reissue(site: Site, roles: Iterable[Role]) -> None:
    """Issue new certificates and keys to these parties on the first machine."""
    for role in roles:
        write(site, role.name, issue(authority(site), role))


def client(site: Site, role: Role = TOOLS) -> ssl.SSLContext:
    """Return the TLS settings of a client: the authority, and its own certificate.

    Raises NotRootError when the files cannot be read, StaleStateError when one is missing, is
    damaged, or does not fit its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(paths(site, AUTHORITY)[0])
        context.load_cert_chain(*paths(site, role.name))
    except PermissionError as error:
        raise NotRootError(
            "Only root may read the cluster's keys.", "Run the command with sudo."
        ) from error
    except FileNotFoundError as error:
        raise StaleStateError(
            f"A certificate is missing in {site.secrets}.", "Make a new one: ./just up"
        ) from error
    except ssl.SSLError as error:
        raise StaleStateError(
            f"A certificate in {site.secrets} is damaged, or does not fit its key.",
            "Finish the change that was interrupted: ./just up",
        ) from error
    return context


def environment(site: Site, prefix: str) -> dict[str, str]:
    """Return the TLS variables of the program `consul` (prefix CONSUL) or `nomad` (NOMAD)."""
    certificate, key = paths(site, TOOLS.name)
    return {
        f"{prefix}_CACERT": str(paths(site, AUTHORITY)[0]),
        f"{prefix}_CLIENT_CERT": str(certificate),
        f"{prefix}_CLIENT_KEY": str(key),
    }


def hand_over(site: Site, role: Role, folder: Path, owner: str) -> bool:
    """Write a party's certificate, key and authority for its system user `owner` only.

    Returns whether a file changed.
    """
    own = identity(site, role)
    texts = {
        "authority.pem": trusted(site),
        "certificate.pem": own.certificate,
        "key.pem": own.key,
    }
    changed = [files.write(folder / name, text, 0o600, owner) for name, text in texts.items()]
    return any(changed)


def hand_over_to_store(site: Site) -> None:
    """Write the certificate of the store of artifacts. It reads it for each connection."""
    hand_over(site, STORE, site.store, STORE_USER)


def paths(site: Site, name: str) -> tuple[Path, Path]:
    """Return the files of a certificate and of its key."""
    return site.secrets / f"{name}.pem", site.secrets / f"{name}.key"


def shown(site: Site, port: int) -> str:
    """Return the fingerprint of the certificate that is shown on a port here, empty if none is."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS) as plain,
            client(site).wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
    except OSError:
        return ""


def expiry(file: Path) -> datetime:
    """Return the end of validity of the certificate in this file, in UTC."""
    return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc


def is_valid(subject: Identity, issuer: Identity) -> bool:
    """Return whether `issuer` signed the certificate, and it does not expire soon."""
    try:
        subject.x509.verify_directly_issued_by(issuer.x509)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return subject.remaining > RENEWED_BEFORE_END


def issue(issuer: Identity, role: Role, lifetime: timedelta = LIFETIME) -> Identity:
    """Make a key for the role, and sign a certificate for it."""
    key = make_key()
    return Identity(sign(issuer, role, key.public_key(), lifetime), private_pem(key))


def sign(
    issuer: Identity,
    role: Role,
    public_key: ec.EllipticCurvePublicKey,
    lifetime: timedelta = LIFETIME,
) -> str:
    """Sign a certificate for a role's key, and return it."""
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if role.names:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    builder = (
        _builder(role.name, lifetime, public_key)
        .issuer_name(issuer.x509.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=True)
    )
    if role.names:
        names = x509.SubjectAlternativeName(_general_names(role.names))
        builder = builder.add_extension(names, critical=False)
    issuer_key = serialization.load_pem_private_key(issuer.key.encode(), password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)  # noqa: S101  for mypy: we made it
    return _pem(builder.sign(issuer_key, hashes.SHA256()))


def make_key() -> ec.EllipticCurvePrivateKey:
    """Make a private key."""
    return ec.generate_private_key(ec.SECP256R1())


def make_authority() -> Identity:
    """Make a new certificate authority, without writing it to a file."""
    key = make_key()
    # Two are trusted during a rotation, and OpenSSL looks for an issuer by its name.
    name = f"TaskTracker agents {secrets.token_hex(8)}"
    builder = (
        _builder(name, AUTHORITY_LIFETIME, key.public_key())
        .issuer_name(_name(name))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Identity(_pem(builder.sign(key, hashes.SHA256())), private_pem(key))


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


def _certificate(site: Site, name: str) -> str:
    file = paths(site, name)[0]
    try:
        return file.read_text()
    except FileNotFoundError as error:
        raise StaleStateError(
            f"{file} is missing.", "Restore it from a backup, or join the cluster again."
        ) from error


def write(site: Site, name: str, identity: Identity) -> None:
    """Write a party's certificate and key into `secrets`. After a kill, `complete` finishes it."""
    # First both in one file: a key without its certificate would be of no use.
    files.write(site.secrets / f"{name}.pair", json.dumps(asdict(identity)), mode=0o600)
    _place(site, name, identity)


def complete(site: Site) -> None:
    """Finish what a killed process was writing. Only for the holder of the site's lock."""
    for pair in _pairs(site):
        with suppress(FileNotFoundError):  # it was being written, without the lock
            _place(site, pair.stem, Identity(**json.loads(pair.read_text())))


def is_incomplete(site: Site) -> bool:
    """Return whether a pair is being written, or a killed process has not finished one."""
    return bool(_pairs(site))


def _pairs(site: Site) -> list[Path]:
    return list(site.secrets.glob("*.pair"))


def _place(site: Site, name: str, identity: Identity) -> None:
    certificate, key = paths(site, name)
    files.write(key, identity.key, mode=0o600)
    files.write(certificate, identity.certificate, mode=0o600)
    (site.secrets / f"{name}.pair").unlink(missing_ok=True)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def private_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a private key in PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
