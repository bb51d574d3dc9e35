"""Rotations of the key that signs access tokens, and of the databases' passwords."""

import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from jose import jwt

from servicekit.keys import SigningKey, shared
from servicekit.tokens import Principal, issue
from tasktracker_cli.address import DEFAULT_URL
from tasktracker_cli.logins.credentials import Login
from tasktracker_cluster.agents import variables
from tasktracker_cluster.jobs.passwords import CLIENTS
from tasktracker_cluster.jobs.signing_keys import SERVICES
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import PASSWORD, ThrowawayCluster, User
from tasktracker_cluster.topology import JOBS, SIGNER
from tests.e2e.traffic import titles, writing

# A path of each service that checks tokens.
PATHS = ("/api/v1/auth/me", "/api/v1/tasks/", "/api/v1/stats/")
PAUSE = 0.05  # seconds between two rounds
LIMIT_SECONDS = 180  # generous: a machine may be busy


@dataclass
class Visitor:
    """A client that sends requests with new tokens and with the `old` one."""

    client: httpx.Client
    old: str = ""
    accepted: int = 0
    refused: list[str] = field(default_factory=list)

    def log_in(self, name: str = "rupert") -> str:
        """Log in, and return a new access token."""
        body = {"username": name, "password": PASSWORD}
        answer = self.client.post("/api/v1/auth/login", json=body)
        return str(answer.raise_for_status().json()["access_token"])

    def statuses(self, token: str) -> list[int]:
        """Return the status of each service's answer to a request with the token."""
        headers = {"Authorization": f"Bearer {token}"}
        return [self.client.get(path, headers=headers).status_code for path in PATHS]

    def send_requests(self) -> None:
        """Send a request to each service with a new token, and with the old one."""
        # Of another account: one has at most 100 sessions, and a new one ends the oldest.
        for token in (self.log_in("ruprecht"), self.old):
            seen = self.statuses(token)
            self.accepted += seen.count(200)
            if 401 in seen:
                self.refused.append(f"{key_id(token)}: {seen}")


@contextmanager
def visiting(visitor: Visitor) -> Iterator[None]:
    """Send requests again and again during the block."""
    stop = threading.Event()

    def visit() -> None:
        while not stop.wait(PAUSE):
            # This test is not about requests that a busy machine's deployment drops.
            with suppress(httpx.HTTPError):
                visitor.send_requests()

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
def visitor(cluster: ThrowawayCluster) -> Iterator[Visitor]:
    for name in ("rupert", "ruprecht"):
        cluster.user(name)
    with httpx.Client(base_url=GATEWAY_URL, trust_env=False, timeout=60) as client:
        yield Visitor(client)


def key_id(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def versions(cluster: ThrowawayCluster) -> dict[str, int]:
    return {job: cluster.nomad.call("GET", f"/v1/job/{job}")["Version"] for job in JOBS}


@pytest.mark.drill
def test_a_token_lives_through_one_rotation_and_none_is_refused_meanwhile(
    cluster: ThrowawayCluster, visitor: Visitor
) -> None:
    first = visitor.old = visitor.log_in()

    with visiting(visitor):
        cluster.admin("rotate", "signing-key")
    second = visitor.log_in()

    assert visitor.refused == []
    assert visitor.accepted > 20
    assert key_id(second) != key_id(first)
    assert visitor.statuses(first) == visitor.statuses(second) == [200, 200, 200]

    before = versions(cluster)
    cluster.admin("up")
    assert versions(cluster) == before, "the rotation left `up` nothing to do"

    cluster.admin("rotate", "signing-key")
    assert visitor.statuses(first) == [401, 401, 401]
    assert visitor.statuses(second) == [200, 200, 200]


def logins(cluster: ThrowawayCluster) -> dict[str, str]:
    """Return the address of its database that each task has which logs in to one."""
    found = {}
    for service in CLIENTS:
        for task in ("migrate", "app"):
            items = variables.read(cluster.nomad, f"nomad/jobs/{service.name}/api/{task}")
            login = f"{items['database_role']}:{items['database_password']}"
            found[f"{service.name} {task}"] = f"postgresql://{login}@127.0.0.1:5432/"
    return found


def accepted(cluster: ThrowawayCluster, addresses: dict[str, str]) -> list[str]:
    """Return the tasks whose databases accept their address, asked from the service's network."""
    found = []
    for name, address in addresses.items():
        service, database = name.split()[0], f"{name.partition('-')[0]}_db"
        command = ["psql", "--no-psqlrc", "-tA", "-c", "SELECT 1", f"{address}{database}"]
        asked = cluster.exec(service, command, "nobody")
        assert asked.stdout == "1\n" or "password authentication failed" in asked.stderr, asked
        if asked.returncode == 0:
            found.append(name)
    return found


@pytest.mark.drill
@pytest.mark.usefixtures("settled")
def test_the_passwords_of_the_databases_rotate_and_no_request_fails(
    cluster: ThrowawayCluster,
) -> None:
    known = [logins(cluster)]
    everybody = list(known[0])
    assert accepted(cluster, known[0]) == everybody
    with cluster.user("roxana").http() as client:
        with writing(client) as traffic:
            for _ in range(2):
                cluster.admin("rotate", "db-password")
                known.append(logins(cluster))
                assert [accepted(cluster, each) for each in known[-2:]] == [[], everybody]
        assert traffic.failed == []
        assert len(traffic.acknowledged) > 100
        assert set(traffic.acknowledged) <= titles(client)

        # Patroni starts it again, and has the passwords from before both rotations.
        killed = cluster.postmaster("task-db")
        os.kill(killed, signal.SIGKILL)
        wait.until("another server", lambda: started_anew(cluster, killed), LIMIT_SECONDS)
        cluster.settle()
        assert set(traffic.acknowledged) <= titles(client)
    assert accepted(cluster, known[0]) == []
    assert accepted(cluster, known[-1]) == everybody

    before = versions(cluster)
    cluster.admin("up")
    assert versions(cluster) == before, "the rotation left `up` nothing to do"


def started_anew(cluster: ThrowawayCluster, killed: int) -> bool:
    try:
        return cluster.postmaster("task-db") != killed
    except (FileNotFoundError, IndexError):
        return False


@pytest.fixture
def shared_secret(cluster: ThrowawayCluster) -> SigningKey:
    """Write the variables of a version without private keys, and return its shared key."""
    before = {service: variables.read(cluster.nomad, path(service)) for service in SERVICES}
    secret = secrets.token_hex()
    for service, items in before.items():
        kept = {name: value for name, value in items.items() if not name.startswith("jwt_")}
        write(cluster, service, {**kept, "secret_key": secret})
    return shared(secret)


def path(service: str) -> str:
    return f"nomad/jobs/{service}/api/app"


def write(cluster: ThrowawayCluster, service: str, items: dict[str, str]) -> None:
    url = f"/v1/var/{quote(path(service), safe='')}"
    cluster.nomad.call("PUT", url, {"Path": path(service), "Items": items})


@pytest.mark.drill
def test_a_cluster_with_a_shared_secret_gets_private_keys_and_its_users_stay_logged_in(
    cluster: ThrowawayCluster, shared_secret: SigningKey
) -> None:
    user = cluster.user("tilda")
    before = saved_login(user)
    claims = jwt.get_unverified_claims(before.access_token)
    principal = Principal(int(claims["sub"]), is_superuser=False, session_id=UUID(claims["sid"]))
    old = issue(shared_secret, principal, timedelta(minutes=15), datetime.now(UTC))
    user.logins.save(DEFAULT_URL, replace(before, access_token=old))

    cluster.admin("up")

    after = {service: variables.read(cluster.nomad, path(service)) for service in SERVICES}
    assert not [service for service, items in after.items() if "secret_key" in items]
    assert [service for service in after if "jwt_private_key" in after[service]] == [SIGNER]
    assert len({items["jwt_public_keys"] for items in after.values()}) == 1
    with httpx.Client(base_url=GATEWAY_URL, trust_env=False, timeout=60) as client:
        assert Visitor(client).statuses(old) == [401, 401, 401]
    assert user.json("task", "list") == []
    assert key_id(saved_login(user).access_token) in after[SIGNER]["jwt_public_keys"]


def saved_login(user: User) -> Login:
    login = user.logins.load(DEFAULT_URL)
    assert login is not None
    return login


def test_only_the_user_service_has_the_private_key(cluster: ThrowawayCluster) -> None:
    for job in SERVICES:
        environment = Path("/proc", str(cluster.service_pid(job.replace("-", "_"))), "environ")
        assert (b"PRIVATE KEY" in environment.read_bytes()) is (job == SIGNER)
        assert b"SECRET_KEY" not in environment.read_bytes()


def test_rotate_key_without_a_cluster_is_an_error(
    cluster: ThrowawayCluster, other: ThrowawayCluster
) -> None:
    result = other.admin("rotate-key", check=False)
    assert result.returncode == 1
    assert "./just up" in result.stderr
