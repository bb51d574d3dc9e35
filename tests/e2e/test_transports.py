"""Traefik's connections to the sidecars: certificates change, agents are away, instances freeze."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from servicekit.testing.conformance import assert_problem
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster, frozen
from tests.e2e.traffic import Traffic, writing

STATS = "/api/v1/stats/"
AUTHORITY = "/v1/connect/ca/configuration"

LIMIT_SECONDS = 180  # generous: a machine may be busy
# Consul spreads the renewal of leaf certificates over half a minute, and Nomad's query for one may
# wait for another minute. Until then the leaf of the old authority is good, too.
LEAF_SECONDS = 180


@pytest.fixture(scope="module")
def client(cluster: ThrowawayCluster) -> Iterator[httpx.Client]:
    with cluster.user("trudy").http() as client:
        yield client


def test_the_gateways_own_pages_show_no_private_key(cluster: ThrowawayCluster) -> None:
    assert "PRIVATE KEY" in mesh_file(cluster).read_text()
    for path in ("/api/rawdata", "/api/http/services", "/api/overview", "/metrics"):
        answer = _get(f"http://localhost:8080{path}").raise_for_status()
        assert "PRIVATE KEY" not in answer.text, path


@pytest.mark.drill
@pytest.mark.usefixtures("settled")
def test_a_frozen_sidecar_is_a_504_after_its_time_limit(
    cluster: ThrowawayCluster, client: httpx.Client
) -> None:
    assert client.get(STATS).status_code == 200
    with frozen(cluster.sidecar_pid("stats-service")):
        start = time.monotonic()
        answer = client.get(STATS, timeout=LIMIT_SECONDS)
        seconds = time.monotonic() - start
    assert_problem(answer, 504)
    assert seconds < 45  # the gateway's limit is 20; without it a client waits for 60


@pytest.mark.drill
@pytest.mark.usefixtures("settled")
def test_a_gateway_that_restarts_without_consul_has_its_routes(
    cluster: ThrowawayCluster, client: httpx.Client
) -> None:
    supervisor.call(cluster.site, "stopProcess", "consul")
    try:
        old = cluster.task_pid("traefik", "traefik")
        os.kill(old, signal.SIGKILL)
        wait.until("another Traefik", lambda: _status("/api/v1/tasks/") == 401, LIMIT_SECONDS)
        assert cluster.task_pid("traefik", "traefik") not in (0, old)
        assert client.get("/api/v1/tasks/").status_code == 200
    finally:
        supervisor.call(cluster.site, "startProcess", "consul")


def mesh_file(cluster: ThrowawayCluster) -> Path:
    """Return the file that Nomad renders for Traefik."""
    allocation = cluster.allocation("traefik")["ID"]
    return cluster.home / f"nomad/alloc/{allocation}/traefik/secrets/dynamic/mesh.yml"


def _get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=60)


def _status(path: str) -> int:
    try:
        return _get(f"{GATEWAY_URL}{path}").status_code
    except httpx.TransportError:
        return 0


@pytest.mark.drill
@pytest.mark.timeout(2 * LEAF_SECONDS + 4 * LIMIT_SECONDS)
@pytest.mark.usefixtures("settled")
def test_a_new_authority_of_the_mesh_and_a_new_leaf_certificate_fail_no_request(
    cluster: ThrowawayCluster, client: httpx.Client
) -> None:
    """It comes last: the test before it has started Consul again.

    Consul asks for the next leaf with the token of the instance that asked first. That of a Traefik
    which an earlier test has replaced is deleted at some moment, and the new leaf is late then.
    """
    with writing(client) as traffic:
        for bits in (384, 256):
            make_authority(cluster, bits)
            so_far = len(traffic.acknowledged)
            wait_for_more(traffic, so_far + 50)
    assert traffic.failed == []


def make_authority(cluster: ThrowawayCluster, bits: int) -> None:
    """Change the key of the mesh's authority, and wait until Traefik has a leaf of the new one."""
    before = cluster.consul.call("GET", AUTHORITY)
    config = {**before["Config"], "PrivateKeyType": "ec", "PrivateKeyBits": bits}
    cluster.consul.call("PUT", AUTHORITY, {**before, "Config": config})
    wait.until("a leaf of the new authority", lambda: _is_new(cluster, bits), LEAF_SECONDS)


def wait_for_more(traffic: Traffic, count: int) -> None:
    wait.until("more writes", lambda: len(traffic.acknowledged) > count, LIMIT_SECONDS)


def _is_new(cluster: ThrowawayCluster, bits: int) -> bool:
    """Return whether Traefik has a certificate of the active root, whose key has these bits."""
    roots = cluster.consul.call("GET", "/v1/agent/connect/ca/roots")
    (active,) = [root for root in roots["Roots"] if root["Active"]]
    transports = yaml.safe_load(mesh_file(cluster).read_text())["http"]["serversTransports"]
    text = transports["portal"]["certificates"][0]["certFile"]
    leaf = x509.load_pem_x509_certificate(text.encode())
    root = x509.load_pem_x509_certificate(active["RootCert"].encode())
    try:
        leaf.verify_directly_issued_by(root)
    except (InvalidSignature, TypeError, ValueError):  # of the authority before
        return False
    return bool(active["PrivateKeyBits"] == bits)
