"""The mesh matrix: each ordered pair of services can connect exactly if an intention allows it.

Each test shows the source's leaf certificate to the destination's sidecar. A refusal counts only if
it comes from the sidecar: the handshake succeeded, the sidecar proved its name, and its own counter
of denials went up.
"""

import json
import socket
import ssl
import struct
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest

from tasktracker_cluster.agents import credentials
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.e2e import authority
from tests.e2e.edges import ALLOWED, COUNTS, DATABASES, EDGES, PARTLY, SERVICES, SOURCES

LIMIT_SECONDS = 180  # generous: a machine may be busy
HEALTH_SECONDS = 45  # for a busy machine; as it comes, Consul takes a minute
SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # of PostgreSQL's protocol; the answer is one byte


class Sidecar(NamedTuple):
    """The addresses of a service's Envoy: for the mesh, and for its own admin API."""

    address: tuple[str, int]
    admin: str  # inside the network namespace of the allocation
    allocation: str

    def denied(self) -> int:
        """Return the number of connections or requests that its intentions have refused."""
        lines = self._ask("/stats?filter=rbac.denied").splitlines()
        return sum(int(line.rsplit(": ", 1)[1]) for line in lines)

    def configuration(self, resource: str) -> str:
        """Return what Envoy has of one kind of resource, as JSON."""
        return self._ask(f"/config_dump?resource={resource}")

    def bootstrap(self) -> dict[str, Any]:
        """Return what Envoy was started with."""
        configs = json.loads(self._ask("/config_dump"))["configs"]
        (found,) = [each["bootstrap"] for each in configs if "bootstrap" in each]
        return dict(found)

    def _ask(self, path: str) -> str:
        command = ["nsenter", f"--net=/run/netns/{self.allocation}", "curl", "-s"]
        return shell.run([*command, f"http://{self.admin}{path}"])


@pytest.fixture(scope="module")
def leaves(cluster: ThrowawayCluster) -> dict[str, ssl.SSLContext]:
    """Return a TLS client for each source, with the source's certificate."""
    cluster.settle()  # what an earlier file has left
    token = credentials.load(cluster.site).consul_management
    return {source: authority.client_of(cluster, source, token) for source in SOURCES}


def sidecar(cluster: ThrowawayCluster, service: str) -> Sidecar:
    (entry,) = cluster.consul.call("GET", f"/v1/health/connect/{service}")
    address = (entry["Service"]["Address"], entry["Service"]["Port"])
    allocation = cluster.allocation(service)["ID"]
    secrets = f"nomad/alloc/{allocation}/connect-proxy-{service}/secrets"
    bootstrap = json.loads((cluster.home / secrets / "envoy_bootstrap.json").read_text())
    admin = bootstrap["admin"]["address"]["socket_address"]
    return Sidecar(address, f"{admin['address']}:{admin['port_value']}", allocation)


def ask(leaf: ssl.SSLContext, target: Sidecar, service: str, request: bytes) -> bytes:
    """Return the first bytes of the answer, empty when the sidecar closed after the handshake."""
    with (
        socket.create_connection(target.address, LIMIT_SECONDS) as plain,
        leaf.wrap_socket(plain) as connection,
    ):
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


@pytest.mark.parametrize("service", SERVICES)
def test_a_sidecar_puts_no_certificate_into_a_request(
    cluster: ThrowawayCluster, service: str
) -> None:
    listeners = sidecar(cluster, service).configuration("dynamic_listeners")
    assert "public_listener" in listeners
    assert "forward_client_cert_details" not in listeners  # Envoy's default: it removes the header
    assert "header_to_metadata" not in listeners


@pytest.mark.parametrize("service", SERVICES)
def test_the_watchdogs_of_a_sidecar_wake_up_once_in_a_while(
    cluster: ThrowawayCluster, service: str
) -> None:
    watchdogs = sidecar(cluster, service).bootstrap()["watchdogs"]
    for name in ("main_thread_watchdog", "worker_watchdog"):
        assert watchdogs[name]["miss_timeout"] == "60s"


@pytest.mark.parametrize(("source", "destination"), EDGES)
def test_an_edge_is_open_exactly_when_an_intention_allows_it(
    cluster: ThrowawayCluster, leaves: dict[str, ssl.SSLContext], source: str, destination: str
) -> None:
    target = sidecar(cluster, destination)
    edge = (source, destination)
    before = target.denied()
    if destination in DATABASES:
        answer = ask(leaves[source], target, destination, SSL_REQUEST)
        assert (answer != b"") is (edge in ALLOWED)
    else:
        # A path that is not among those of PARTLY.
        answer = ask(leaves[source], target, destination, get("/health/live"))
        if edge in ALLOWED:
            assert answer.startswith(b"HTTP/1.1 200")
        else:
            assert answer.startswith(b"HTTP/1.1 403")
            assert b"RBAC: access denied" in answer
    assert target.denied() - before == (0 if edge in ALLOWED else 1)


@pytest.mark.parametrize(
    ("edge", "path"), [(edge, path) for edge, paths in PARTLY.items() for path in paths]
)
def test_a_service_may_get_the_paths_that_it_needs_and_may_not_post_to_them(
    cluster: ThrowawayCluster, leaves: dict[str, ssl.SSLContext], edge: tuple[str, str], path: str
) -> None:
    source, destination = edge
    target = sidecar(cluster, destination)
    # Without a token the application itself answers 401.
    wants_token = path in (COUNTS, "/internal/personal-token")
    answer = ask(leaves[source], target, destination, get(path))
    assert answer.startswith(b"HTTP/1.1 401" if wants_token else b"HTTP/1.1 200")
    sent = get(path).replace(b"GET", b"POST")
    assert ask(leaves[source], target, destination, sent).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("source", ["portal", "stats-service", "task-service"])
def test_only_traefik_can_set_the_source_address_of_a_sign_in(
    cluster: ThrowawayCluster, leaves: dict[str, ssl.SSLContext], source: str
) -> None:
    target = sidecar(cluster, "user-service")
    body = b'{"username": "somebody", "password": "a wrong one"}'
    head = (
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: mesh\r\nX-Forwarded-For: 203.0.113.77\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    before = target.denied()

    answer = ask(leaves[source], target, "user-service", head.encode() + body)

    assert answer.startswith(b"HTTP/1.1 403")
    assert target.denied() - before == 1


# The answers of task-service to stats-service through its own sidecar: 401 is the application's.
ASKED = {
    ("GET", COUNTS): 401,
    ("GET", f"{COUNTS}?limit=1"): 401,
    ("GET", "/api/v1/tasks/%73tats"): 401,  # the same path: Envoy decodes it before it compares
    **{(method, COUNTS): 403 for method in ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")},
    **{
        ("GET", path): 403
        for path in (
            f"{COUNTS}/",
            f"{COUNTS}/../1",
            f"{COUNTS}/../../../../metrics",
            "/API/V1/TASKS/STATS",
            "//api/v1/tasks/stats",
            "/api/v1/tasks",
            "/api/v1/tasks/",
            "/api/v1/tasks/1",
            "/metrics",
            "/health",
            "/openapi.json",
            "/docs",
        )
    },
    ("POST", "/api/v1/tasks/"): 403,
    ("DELETE", "/api/v1/tasks/1"): 403,
}


def test_stats_service_may_count_tasks_and_do_nothing_else_to_them(
    cluster: ThrowawayCluster,
) -> None:
    seen = {}
    for method, path in ASKED:
        request = ["-X", method, "-H", f"X-HTTP-Method-Override: {method}", "--path-as-is"]
        if method == "HEAD":
            request = ["--head"]
        command = ["curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", *request]
        url = f"http://127.0.0.1:8002{path}"
        seen[method, path] = int(
            cluster.exec("stats-service", [*command, url], "tasktracker-stats").stdout
        )
    assert seen == ASKED


def test_a_caller_without_a_certificate_is_refused(cluster: ThrowawayCluster) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 refuses only after the handshake
    address = sidecar(cluster, "task-service").address
    with socket.create_connection(address, LIMIT_SECONDS) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_a_caller_without_the_right_gets_no_certificate(cluster: ThrowawayCluster) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        authority.client_of(cluster, "task-service", token="")
    assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_a_closed_port_refuses_the_connection(cluster: ThrowawayCluster) -> None:
    host = sidecar(cluster, "task-service").address[0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, 19999), LIMIT_SECONDS)


def test_the_matrix_knows_every_service(cluster: ThrowawayCluster) -> None:
    registered = set(cluster.consul.call("GET", "/v1/catalog/services"))
    ours = {name for name in registered if not name.endswith("-sidecar-proxy")}
    # These are there only when they were asked for (test_backups.py, test_observe.py).
    others = {"backup", "postgres-exporter"}
    assert ours - {"consul", "nomad", "nomad-client"} - others == set(SOURCES) - others
    assert {p.stem for p in Path("consul/config-entries/service-intentions").iterdir()} == set(
        SERVICES
    )


def test_the_health_of_a_sidecar_follows_what_consul_tells_nobody_about(
    cluster: ThrowawayCluster, settled: None
) -> None:
    # As it comes, Consul would look again after a minute (docs/decisions/0050-consul-edit.md).
    def aliases() -> set[str]:
        checks = cluster.consul.call("GET", "/v1/agent/checks").values()
        return {check["Status"] for check in checks if check["Type"] == "alias"}

    cluster.consul.call("PUT", "/v1/agent/maintenance", enable="true")
    try:
        wait.until("sidecars in maintenance", lambda: aliases() == {"critical"}, HEALTH_SECONDS)
    finally:
        cluster.consul.call("PUT", "/v1/agent/maintenance", enable="false")
    wait.until("healthy sidecars", lambda: aliases() == {"passing"}, HEALTH_SECONDS)
