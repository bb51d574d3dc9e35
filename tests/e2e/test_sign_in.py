"""The source address of a sign-in is the one that Traefik saw, not one from a header."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.e2e import task_logs

ELSEWHERE = "198.51.100.7"
FORGED = "203.0.113.77"
LOGIN = "/api/v1/auth/login"


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Give an address of the test's own namespace that is not a loopback address."""
    address = ["dev", "lo", f"{ELSEWHERE}/32"]
    shell.run(["ip", "address", "add", *address])
    yield ELSEWHERE
    shell.run(["ip", "address", "del", *address])


def logged(cluster: ThrowawayCluster, answer: httpx.Response) -> set[str]:
    """Return the clients in the user service's log lines about this request."""
    task_logs.wait_until_written(cluster)
    lines = task_logs.lines(cluster, "user-service", "app", answer.headers["X-Request-ID"])
    return {str(json.loads(line).get("client")) for line in lines}


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.5", ELSEWHERE])
@pytest.mark.parametrize(
    "forged", [{}, {"X-Forwarded-For": FORGED}, {"X-Forwarded-For": f"{FORGED}, {FORGED}"}]
)
def test_a_client_cannot_forge_its_source_address(
    cluster: ThrowawayCluster, elsewhere: str, source: str, forged: dict[str, str]
) -> None:
    transport = httpx.HTTPTransport(local_address=source)
    options: dict[str, Any] = {"transport": transport, "trust_env": False, "timeout": 60}
    with httpx.Client(base_url=GATEWAY_URL, **options) as client:
        body = {"username": f"nobody-{source}", "password": "a wrong one"}
        answer = client.post(LOGIN, json=body, headers=forged)

    assert answer.status_code == 401
    expected = source if source == ELSEWHERE else "127.0.0.1"
    assert logged(cluster, answer) == {expected}
