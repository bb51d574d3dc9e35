"""A rotation of the key that signs access tokens, seen by people who are logged in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest
from jose import jwt

from tasktracker_cli.admin import jobs
from tasktracker_cli.admin.site import GATEWAY_URL
from tests.e2e.cluster import PASSWORD, Cluster

# One of each service that checks tokens.
PATHS = ("/api/v1/auth/me", "/api/v1/tasks/", "/api/v1/stats/")
PAUSE = 0.05  # seconds between two rounds


@dataclass
class Visitor:
    """Logs in and looks around; with `old`, also with a token from long ago."""

    client: httpx.Client
    old: str = ""
    accepted: int = 0
    refused: list[str] = field(default_factory=list)

    def log_in(self) -> str:
        """A new access token."""
        body = {"username": "rupert", "password": PASSWORD}
        answer = self.client.post("/api/v1/auth/login", json=body)
        return str(answer.raise_for_status().json()["access_token"])

    def statuses(self, token: str) -> list[int]:
        """What each service says to the token."""
        headers = {"Authorization": f"Bearer {token}"}
        return [self.client.get(path, headers=headers).status_code for path in PATHS]

    def look_around(self) -> None:
        """One round, with a new token and with the old one."""
        for token in (self.log_in(), self.old):
            seen = self.statuses(token)
            self.accepted += seen.count(200)
            if 401 in seen:
                self.refused.append(f"{key_id(token)}: {seen}")


@contextmanager
def visiting(visitor: Visitor) -> Iterator[None]:
    """Look around, over and over, for as long as the block runs."""
    stop = threading.Event()

    def visit() -> None:
        while not stop.wait(PAUSE):
            # Whether a busy machine's deployment drops a request is not what this is about.
            with suppress(httpx.HTTPError):
                visitor.look_around()

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
def visitor(cluster: Cluster) -> Iterator[Visitor]:
    cluster.user("rupert")
    with httpx.Client(base_url=GATEWAY_URL, trust_env=False, timeout=30) as client:
        yield Visitor(client)


def key_id(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def versions(cluster: Cluster) -> dict[str, int]:
    return {job: cluster.nomad.call("GET", f"/v1/job/{job}")["Version"] for job in jobs.names()}


@pytest.mark.drill
def test_a_token_lives_through_one_rotation_and_none_is_refused_meanwhile(
    cluster: Cluster, visitor: Visitor
) -> None:
    first = visitor.old = visitor.log_in()

    with visiting(visitor):
        cluster.admin("rotate-key")
    second = visitor.log_in()

    assert visitor.refused == []
    assert visitor.accepted > 20
    assert key_id(second) != key_id(first)
    assert visitor.statuses(first) == visitor.statuses(second) == [200, 200, 200]

    before = versions(cluster)
    cluster.admin("up")
    assert versions(cluster) == before, "the rotation left `up` nothing to do"

    cluster.admin("rotate-key")
    assert visitor.statuses(first) == [401, 401, 401]
    assert visitor.statuses(second) == [200, 200, 200]


def test_where_there_is_no_cluster_there_is_no_key_to_rotate(
    cluster: Cluster, other: Cluster
) -> None:
    result = other.admin("rotate-key", check=False)
    assert result.returncode == 1
    assert "./just up" in result.stderr
