"""A service's Consul token cannot change the gateway's routes.

A workload's Consul token may register its service at any address and with any tags. Each test takes
the token of a running task, and registers a rogue instance with it.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from tasktracker_cluster.agents import consul
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

LIMIT_SECONDS = 180  # generous: a machine may be busy
OWN = "traefik.enable=true"  # the only tag of a job's own registration
EVERYTHING = "PathPrefix(`/api/v1/tasks`) || PathPrefix(`/`)"
ROUTER = (f"traefik.http.routers.rogue.rule={EVERYTHING}",
          "traefik.http.routers.rogue.priority=1000000")  # fmt: skip


class Thief(BaseHTTPRequestHandler):
    """Answers every request with 418, and stores its path."""

    reached: list[str]

    def do_GET(self) -> None:
        self.reached.append(self.path)
        self.send_response(418)
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def thief() -> Iterator[HTTPServer]:
    Thief.reached = []
    with HTTPServer(("127.0.0.1", 0), Thief) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def workload(cluster: ThrowawayCluster, job: str) -> Api:
    """Return a client of Consul with the token of the job's sidecar (or of Traefik itself)."""
    folder = cluster.home / "nomad" / "alloc" / cluster.allocation(job)["ID"]
    if job == "traefik":
        return consul.api(
            cluster.site, (folder / "traefik" / "secrets" / "consul_token").read_text()
        )
    text = (folder / f"connect-proxy-{job}" / "secrets" / "envoy_bootstrap.json").read_text()
    found = re.search(r'"x-consul-token",\s*"value":\s*"([^"]+)"', text)
    assert found, f"{job} has no token of the form that this test knows"
    return consul.api(cluster.site, found[1])


def register(token: Api, name: str, port: int, tags: Sequence[str], **more: Any) -> None:
    body = {"ID": "rogue", "Name": name, "Address": "127.0.0.1", "Port": port, "Tags": list(tags),
            "Connect": {"Native": True}}  # fmt: skip
    token.call("PUT", "/v1/agent/service/register", {**body, **more})


@pytest.fixture
def rogue(cluster: ThrowawayCluster) -> Iterator[None]:
    """Remove the test's registration at the end, and wait until the gateway has read that."""
    yield
    cluster.consul.call("PUT", "/v1/agent/service/deregister/rogue")
    wait.until("the gateway's update", lambda: len(servers()) == 1, LIMIT_SECONDS)


def servers() -> set[str]:
    """Return the addresses to which the gateway sends the stats service's requests."""
    url = "http://localhost:8080/api/http/services/stats-service@file"
    known = httpx.get(url, trust_env=False, timeout=LIMIT_SECONDS).raise_for_status().json()
    return {server["url"] for server in known["loadBalancer"]["servers"]}


def routes() -> set[str]:
    """Return the names of the gateway's routers for HTTP, TCP and UDP."""
    options: dict[str, Any] = {"trust_env": False, "timeout": LIMIT_SECONDS}
    with httpx.Client(base_url="http://localhost:8080", **options) as dashboard:
        return {
            router["name"]
            for kind in ("http", "tcp", "udp")
            for router in dashboard.get(f"/api/{kind}/routers").json()
        }


TAGS = {
    "a router above all others": ROUTER,
    "in capitals": ("traefik.HTTP.Routers.rogue.Rule=PathPrefix(`/`)",),
    "another service's router": (
        "traefik.http.routers.task-service.rule=Path(`/api/v1/tasks`)",
        "traefik.http.routers.task-service.service=stats-service",
    ),
    "another service's servers": (
        "traefik.http.services.task-service.loadbalancer.server.url=http://127.0.0.1:1",
    ),
    "the gateway's middleware": (
        "traefik.http.middlewares.cors.headers.accesscontrolalloworiginlist=*",
    ),
    "without the mesh": ("traefik.consulcatalog.connect=false",),
    "a canary": ("traefik.consulcatalog.canary=true", *ROUTER),
    "a router for TCP": ("traefik.tcp.routers.rogue.rule=HostSNI(`*`)",),
    "a certificate": ("traefik.tls.stores.default.defaultgeneratedcert.resolver=rogue",),
}


@pytest.fixture(scope="module")
def victim(cluster: ThrowawayCluster) -> Iterator[httpx.Client]:
    """Return a client of a user whose requests a rogue instance must not get."""
    with cluster.user("victim").http() as client:
        yield client


@pytest.mark.usefixtures("rogue")
@pytest.mark.parametrize("name", TAGS)
def test_a_registrations_other_tags_change_nothing(
    cluster: ThrowawayCluster, victim: httpx.Client, thief: HTTPServer, name: str
) -> None:
    before = routes()
    token = workload(cluster, "stats-service")

    register(token, "stats-service", thief.server_port, [OWN, *TAGS[name]])
    # The gateway has read the registration when it is one of its service's two instances.
    wait.until("the gateway's update", lambda: len(servers()) == 2, LIMIT_SECONDS)

    assert routes() == before
    for _ in range(5):
        assert victim.get("/api/v1/tasks/").json() == []
    assert Thief.reached == []


ADDRESSES = {
    "a name": "localhost",
    "lines of YAML": (
        "127.0.0.1:1\n    task-service:\n      loadBalancer:\n        servers:\n"
        "          - url: http://127.0.0.1"
    ),
    "a template of Traefik": '{{ env "CONSUL_HTTP_TOKEN" }}',
    "another path": "127.0.0.1/api/",
}


@pytest.mark.usefixtures("rogue")
@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_that_is_no_ip_address_gets_no_request(
    cluster: ThrowawayCluster, thief: HTTPServer, name: str
) -> None:
    known, before = servers(), routes()
    token = workload(cluster, "stats-service")
    register(token, "stats-service", thief.server_port, [OWN], Address=ADDRESSES[name])
    # A later registration, whose effect on the gateway is visible.
    register(token, "stats-service", 1, [OWN], ID="rogue-2")
    try:
        wait.until("the gateway's update", lambda: "https://127.0.0.1:1" in servers(),
                   LIMIT_SECONDS)  # fmt: skip
        assert servers() - known == {"https://127.0.0.1:1"}
        assert routes() == before
    finally:
        cluster.consul.call("PUT", "/v1/agent/service/deregister/rogue-2")
    assert Thief.reached == []


@pytest.mark.drill
@pytest.mark.usefixtures("rogue")
def test_an_instance_that_is_in_no_mesh_gets_no_request(
    cluster: ThrowawayCluster, victim: httpx.Client, thief: HTTPServer
) -> None:
    register(workload(cluster, "stats-service"), "stats-service", thief.server_port, [OWN])
    wait.until("the second server", lambda: len(servers()) == 2, LIMIT_SECONDS)
    for _ in range(6):
        # It can break its own service, but it cannot prove its name, so it never gets a token.
        assert victim.get("/api/v1/stats/").status_code in (200, 502)
        assert victim.get("/api/v1/tasks/").status_code == 200
    assert Thief.reached == []


@pytest.mark.usefixtures("rogue")
def test_the_gateways_own_token_publishes_no_route(
    cluster: ThrowawayCluster, thief: HTTPServer
) -> None:
    before = routes()
    register(workload(cluster, "traefik"), "traefik", thief.server_port, [OWN, *ROUTER])
    # A later registration, whose effect on the gateway is visible.
    register(workload(cluster, "stats-service"), "stats-service", 1, [OWN], ID="rogue-2")
    try:
        wait.until("the gateway's update", lambda: len(servers()) == 2, LIMIT_SECONDS)
        assert routes() == before
    finally:
        cluster.consul.call("PUT", "/v1/agent/service/deregister/rogue-2")


SIDECAR = {"Kind": "connect-proxy", "Proxy": {"DestinationServiceName": "task-service"}}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("task-service", {}),
        ("task-service-sidecar-proxy", SIDECAR),
        ("stats-service", SIDECAR),
        ("stats-service-2", {}),
    ],
)
def test_a_service_cannot_register_as_another_service_or_its_sidecar(
    cluster: ThrowawayCluster, name: str, more: dict[str, Any]
) -> None:
    with pytest.raises(ApiError) as refusal:
        # A sidecar is no native instance as well.
        register(workload(cluster, "stats-service"), name, 1, [OWN], Connect=None, **more)
    assert "403" in str(refusal.value) or "Permission denied" in str(refusal.value)
