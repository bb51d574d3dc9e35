"""The mesh matrix: for every ordered pair of services, what the intentions say is what happens.

Each try presents the source's own leaf certificate to the destination's sidecar. A refusal counts
only when the sidecar answered it: the handshake succeeded, the sidecar proved its name, and its own
count of denials went up.
"""

import os
import socket
import ssl
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.cluster import Cluster

SERVICES = ("user-db", "task-db", "user-service", "task-service", "stats-service", "portal")
DATABASES = ("user-db", "task-db")
SOURCES = (*SERVICES, "traefik")

ALLOWED = {
    ("user-service", "user-db"),
    ("task-service", "task-db"),
    ("stats-service", "task-service"),
    ("traefik", "user-service"),
    ("traefik", "task-service"),
    ("traefik", "stats-service"),
    ("traefik", "portal"),
}
# The portal may ask for two documents, and nothing else.
PARTLY = {("portal", service) for service in ("user-service", "task-service", "stats-service")}

EDGES = [(source, to) for source in SOURCES for to in SERVICES if source != to]

LIMIT_SECONDS = 10
SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # PostgreSQL's: a server answers it with one byte


class Sidecar(NamedTuple):
    """Where a service's Envoy listens, and the network namespace that it is in."""

    address: tuple[str, int]
    allocation: str

    def denied(self) -> int:
        """How many connections or requests its intentions have refused."""
        command = ["nsenter", f"--net=/run/netns/{self.allocation}", "curl", "-s",
                   "http://127.0.0.2:19001/stats?filter=rbac.denied"]  # fmt: skip
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return sum(int(line.rsplit(": ", 1)[1]) for line in printed.splitlines())


@pytest.fixture(scope="module")
def leaves(cluster: Cluster) -> dict[str, ssl.SSLContext]:
    """A TLS client for each source, with its certificate from Consul's authority."""
    roots = cluster.consul.call("GET", "/v1/agent/connect/ca/roots")["Roots"]
    contexts = {}
    for source in SOURCES:
        leaf = cluster.consul.call("GET", f"/v1/agent/connect/ca/leaf/{source}")
        context = ssl.create_default_context(cadata="".join(r["RootCert"] for r in roots))
        context.check_hostname = False  # names are SPIFFE ids, checked below
        with tempfile.NamedTemporaryFile("w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(leaf["CertPEM"] + leaf["PrivateKeyPEM"])
            file.flush()
            context.load_cert_chain(file.name)
        contexts[source] = context
    return contexts


def sidecar(cluster: Cluster, service: str) -> Sidecar:
    (entry,) = cluster.consul.call("GET", f"/v1/health/connect/{service}")
    address = (entry["Service"]["Address"], entry["Service"]["Port"])
    return Sidecar(address, cluster.allocation(service)["ID"])


def ask(leaf: ssl.SSLContext, target: Sidecar, service: str, request: bytes) -> bytes:
    """The first bytes of the answer; empty when the sidecar hung up after its handshake."""
    with (
        socket.create_connection(target.address, LIMIT_SECONDS) as plain,
        leaf.wrap_socket(plain) as connection,
    ):
        if leaf.verify_mode == ssl.CERT_REQUIRED:
            assert _spiffe_service(connection) == service
        connection.sendall(request)
        try:
            return connection.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError):
            return b""


def _spiffe_service(connection: ssl.SSLSocket) -> str:
    names = (connection.getpeercert() or {})["subjectAltName"]
    (uri,) = [str(name[1]) for name in names if name[0] == "URI"]
    return uri.rsplit("/svc/", 1)[1]


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: mesh\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize(("source", "destination"), EDGES)
def test_an_edge_is_open_exactly_when_an_intention_allows_it(
    cluster: Cluster, leaves: dict[str, ssl.SSLContext], source: str, destination: str
) -> None:
    target = sidecar(cluster, destination)
    edge = (source, destination)
    before = target.denied()
    if destination in DATABASES:
        answer = ask(leaves[source], target, destination, SSL_REQUEST)
        assert (answer != b"") is (edge in ALLOWED)
    else:
        # Any path but the two documents that the portal may read.
        answer = ask(leaves[source], target, destination, get("/health/live"))
        if edge in ALLOWED:
            assert answer.startswith(b"HTTP/1.1 200")
        else:
            assert answer.startswith(b"HTTP/1.1 403")
            assert b"RBAC: access denied" in answer
    assert target.denied() - before == (0 if edge in ALLOWED else 1)


@pytest.mark.parametrize(("source", "destination"), sorted(PARTLY))
@pytest.mark.parametrize("path", ["/health", "/openapi.json"])
def test_the_portal_may_read_a_services_documents(
    cluster: Cluster,
    leaves: dict[str, ssl.SSLContext],
    source: str,
    destination: str,
    path: str,
) -> None:
    target = sidecar(cluster, destination)
    assert ask(leaves[source], target, destination, get(path)).startswith(b"HTTP/1.1 200")


def test_a_caller_without_a_certificate_is_refused(cluster: Cluster) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLError, match="certificate"):
        ask(context, sidecar(cluster, "task-service"), "task-service", get("/health"))


def test_a_port_where_nobody_listens_looks_different(cluster: Cluster) -> None:
    host = sidecar(cluster, "task-service").address[0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, 19999), LIMIT_SECONDS)


def test_the_matrix_knows_every_service(cluster: Cluster) -> None:
    registered = set(cluster.consul.call("GET", "/v1/catalog/services"))
    ours = {name for name in registered if not name.endswith("-sidecar-proxy")}
    assert ours - {"consul", "nomad", "nomad-client"} == set(SOURCES)
    assert {p.stem for p in Path("consul/config-entries/service-intentions").iterdir()} == set(
        SERVICES
    )
