"""The certificates that the agents' APIs require, and the host names that their pages accept."""

import http.client
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tasktracker_cluster.agents import certificates, pages
from tasktracker_cluster.agents.certificates import Role
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import CONSUL_PAGE, CONSUL_URL, NOMAD_PAGE, NOMAD_URL, TRAEFIK_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tasktracker_cluster.topology import PAGES_USER, SCRAPER_USER
from tests.e2e.browser import LIMIT_MS, chromium

LIMIT_SECONDS = 180  # generous: a machine may be busy

APIS = [CONSUL_URL, NOMAD_URL]
PAGES = [CONSUL_PAGE, NOMAD_PAGE]
LEADER = "/v1/status/leader"
KEYS = "https://127.0.0.1:4650/.well-known/jwks.json"

# Names that another site may point to this machine (DNS rebinding).
FOREIGN = ["evil.example", "evil.example:8500", "localhost.evil.example", "127.0.0.1.evil.example"]

SERVICES = ("user-db", "task-db", "user-service", "task-service", "stats-service", "portal",
            "traefik")  # fmt: skip


def ask(url: str, path: str, method: str = "GET", **headers: str) -> int:
    """Send a request whose path no library normalises, and return the status."""
    server = httpx.URL(url)
    connection = http.client.HTTPConnection(server.host, server.port, timeout=LIMIT_SECONDS)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def get(url: str, tls: ssl.SSLContext) -> httpx.Response:
    return httpx.get(url, verify=tls, trust_env=False, timeout=LIMIT_SECONDS)


@pytest.mark.parametrize("url", APIS)
@pytest.mark.parametrize("shown", ["nothing", "a certificate by another authority"])
def test_an_api_requires_a_certificate_of_the_clusters_authority(
    cluster: ThrowawayCluster, tmp_path: Path, url: str, shown: str
) -> None:
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):  # no time-out
        get(url + LEADER, _client(cluster, tmp_path, shown))
    tools = certificates.client(cluster.site)
    assert get(url + LEADER, tools).status_code == 200


def test_metrics_are_at_a_socket_that_one_task_reaches(cluster: ThrowawayCluster) -> None:
    folder = cluster.site.agent_metrics
    assert (folder.owner(), folder.group()) == (PAGES_USER, SCRAPER_USER)
    assert folder.stat().st_mode & 0o777 == 0o710
    socket = httpx.HTTPTransport(uds=str(folder / "http.sock"))
    found = {}
    options: dict[str, Any] = {"trust_env": False, "timeout": LIMIT_SECONDS}
    with httpx.Client(transport=socket, base_url="http://localhost", **options) as client:
        for path in ("/metrics", "/v1/metrics", "/v1/agent/metrics", "/v1/jobs", "/v1/agent/self"):
            found[path] = client.get(path, params={"format": "prometheus"}).status_code
    assert list(found.values()) == [200, 200, 403, 404, 404], found


@pytest.mark.parametrize("url", [*APIS, KEYS])
def test_an_agent_has_no_certificate_for_another_name(cluster: ThrowawayCluster, url: str) -> None:
    tools = certificates.client(cluster.site)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get(url.replace("127.0.0.1", "localhost"), tools)


def test_no_port_of_an_agent_speaks_plain_http(cluster: ThrowawayCluster) -> None:
    for port in (8300, 8501, 4647, 4649, 4650):
        try:
            # Nomad answers 400: "Client sent an HTTP request to an HTTPS server".
            assert ask(f"http://127.0.0.1:{port}", LEADER) == 400, port
        except (http.client.HTTPException, OSError):
            continue


@pytest.mark.parametrize("host", FOREIGN)
def test_a_request_with_a_foreign_host_name_is_refused(
    cluster: ThrowawayCluster, host: str
) -> None:
    for url in PAGES:
        for path in ("/", "/ui/", LEADER, "/v1/nodes", "/v1/agent/join?address=127.0.0.1:1"):
            for method in ("GET", "POST", "PUT"):
                assert ask(url, path, method, Host=host) == 421, (url, path, method)
    for path in ("/", "/dashboard/", "/api/rawdata", "/ping", "/metrics"):
        assert ask(TRAEFIK_URL, path, Host=host) == 404, path


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_a_request_with_a_name_of_this_machine_is_answered(
    cluster: ThrowawayCluster, name: str
) -> None:
    assert ask(CONSUL_PAGE, LEADER, Host=f"{name}:8500") == 200
    assert ask(NOMAD_PAGE, LEADER, Host=f"{name}:4646") == 200
    assert ask(TRAEFIK_URL, "/dashboard/", Host=f"{name}:8080") == 200
    assert ask(TRAEFIK_URL, "/metrics", Host=f"{name}:8080") == 200


def test_a_request_with_the_machines_host_name_is_answered(cluster: ThrowawayCluster) -> None:
    own = socket.gethostname()
    assert ask(CONSUL_PAGE, LEADER, Host=f"{own}:8500") == 200
    assert ask(TRAEFIK_URL, "/ping", Host=f"{own}:8080") == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:3000",
                                    "http://localhost:8500.evil.example"])  # fmt: skip
def test_a_page_of_another_origin_gets_nothing(cluster: ThrowawayCluster, origin: str) -> None:
    for url in PAGES:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            assert ask(url, LEADER, method, Origin=origin) == 403, (url, method)
    assert ask(NOMAD_PAGE, LEADER, Origin="http://localhost:4646") == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/agent/join?address=127.0.0.1:1",
        "/v1/agent/join/",
        "//v1//agent//join?address=127.0.0.1:1",
        "/v1/agent/./join?address=127.0.0.1:1",
        "/v1/x/../agent/join?address=127.0.0.1:1",
        "/v1/agent%2fjoin?address=127.0.0.1:1",
        "/v1/agent/%6aoin?address=127.0.0.1:1",
        "/v1/%61gent/join?address=127.0.0.1:1",
        "/v1/agent/force-leave?node=node-1.global",
        "/v1/agent/leave",
    ],
)
def test_no_spelling_of_join_or_leave_is_allowed_through_the_pages(
    cluster: ThrowawayCluster, path: str
) -> None:
    for url in PAGES:
        for method in ("GET", "POST", "PUT"):
            assert ask(url, path, method) in (403, 404), (url, method)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/agent/monitor",
        "/v1/agent/monitor?logjson=true",
        "/v1/agent/monitor/",
        "//v1//agent/./monitor",
        "/v1/agent%2fmonitor",
        "/v1/agent/%6donitor",
    ],
)
def test_consuls_log_is_not_passed_on_for_any_token(cluster: ThrowawayCluster, path: str) -> None:
    management = {"X-Consul-Token": cluster.consul.http.headers["X-Consul-Token"]}
    assert ask(CONSUL_PAGE, "/v1/agent/self", **management) == 200
    assert ask(CONSUL_PAGE, path, **management) == 403


@pytest.mark.parametrize("service", SERVICES)
def test_a_caller_without_a_certificate_gets_no_leaf_certificate(
    cluster: ThrowawayCluster, service: str
) -> None:
    management = {"X-Consul-Token": cluster.consul.http.headers["X-Consul-Token"]}
    for path in (
        f"/v1/agent/connect/ca/leaf/{service}",
        f"/v1/agent/connect/ca/%6ceaf/{service}",
        f"/v1/agent//connect/ca/leaf/{service}?dc=dc1",
    ):
        for headers in ({}, management):
            assert ask(CONSUL_PAGE, path, **headers) in (403, 404), path


@pytest.mark.parametrize(
    "path",
    [
        "/v1/agent/monitor?log_level=debug",
        "/v1/agent/monitor/export?on_disk=true",
        "/v1/agent/self",
        "/v1/agent/host",
        "/v1/agent/pprof/goroutine",
    ],
)
def test_agents_and_their_logs_are_not_shown_without_a_token(
    cluster: ThrowawayCluster, path: str
) -> None:
    for url in PAGES:
        assert ask(url, path) in (403, 404), url


def test_only_nomads_public_keys_are_open_without_a_certificate(cluster: ThrowawayCluster) -> None:
    trusting = ssl.create_default_context(cadata=certificates.authority(cluster.site).certificate)
    with httpx.Client(verify=trusting, trust_env=False, timeout=LIMIT_SECONDS) as client:
        assert client.get(KEYS).json()["keys"]
        for path in (LEADER, "/v1/jobs", "/"):
            assert client.get(f"https://127.0.0.1:4650{path}").status_code == 404


def test_the_proxy_is_a_user_of_its_own_without_rights(cluster: ThrowawayCluster) -> None:
    status = Path(f"/proc/{cluster.agent_pid(pages.NAME)}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    uid = (cluster.site.pages / "key.pem").stat().st_uid
    assert set(fields["Uid"].split()) == {str(uid)} != {"0"}
    assert fields["NoNewPrivs"] == "1"
    assert int(fields["CapBnd"], 16) == int(fields["CapEff"], 16) == 0
    assert fields["Groups"].split() == []


def test_a_killed_proxy_is_restarted(cluster: ThrowawayCluster) -> None:
    old = cluster.agent_pid(pages.NAME)
    os.kill(old, 9)
    wait.until("another one", lambda: cluster.agent_pid(pages.NAME) not in (0, old), LIMIT_SECONDS)
    wait.until("its answer", pages.are_served, LIMIT_SECONDS)


def test_a_browser_sees_services_and_jobs_without_a_token(cluster: ThrowawayCluster) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(LIMIT_MS)
        for url, text in (
            (f"{CONSUL_PAGE}/ui/dc1/services", "stats-service"),
            (f"{CONSUL_PAGE}/ui/dc1/nodes", "node-1"),
            (f"{NOMAD_PAGE}/ui/jobs", "stats-service"),
            (f"{NOMAD_PAGE}/ui/clients", "node-1"),
        ):
            page.goto(url)
            expect(page.get_by_text(text).first).to_be_visible()


def _client(cluster: ThrowawayCluster, folder: Path, shown: str) -> ssl.SSLContext:
    authority = certificates.authority(cluster.site)
    context = ssl.create_default_context(cadata=authority.certificate)
    if shown != "nothing":
        stranger = certificates.issue(certificates.make_authority(), Role("stranger"))
        files = folder / "certificate.pem", folder / "key.pem"
        files[0].write_text(stranger.certificate)
        files[1].write_text(stranger.key)
        context.load_cert_chain(*files)
    return context
