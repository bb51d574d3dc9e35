"""The end of a session reaches every service within seconds."""

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from servicekit.personal_tokens import CACHE_SECONDS
from servicekit.testing.waiting import eventually
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import PASSWORD, ThrowawayCluster, frozen
from tests.e2e.traffic import writing
from tests.figures import Say

PROMISE = 5.0  # seconds until every service refuses a token
MARGIN = 55.0  # more seconds, for a busy machine
AUTH = "/api/v1/auth"
SETTLED = 180.0  # seconds until a cluster that has just started answers every request
ROUNDS = 100  # of requests while the user service is frozen

Ending = Callable[[ThrowawayCluster, httpx.Client, dict[str, str]], None]


def log_in(name: str) -> tuple[httpx.Client, dict[str, str]]:
    """Log in. Return a client of the gateway in the new session, and the session's tokens."""
    body = {"username": name, "password": PASSWORD}
    answer = httpx.post(f"{GATEWAY_URL}{AUTH}/login", json=body, trust_env=False, timeout=60)
    tokens: dict[str, str] = answer.raise_for_status().json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    client = httpx.Client(base_url=GATEWAY_URL, headers=headers, trust_env=False, timeout=60)
    return client, tokens


def statuses(client: httpx.Client) -> set[int]:
    """Return the status codes of all services for requests with the client's token."""
    return {
        client.post("/api/v1/tasks/", json={"title": "written with a token"}).status_code,
        client.get("/api/v1/tasks/").status_code,
        client.get("/api/v1/stats/").status_code,
        client.get(f"{AUTH}/me").status_code,
    }


def deactivated(cluster: ThrowawayCluster, client: httpx.Client, tokens: dict[str, str]) -> None:
    name = client.get(f"{AUTH}/me").raise_for_status().json()["username"]
    cluster.admin("users", "deactivate", name)


def signed_out(cluster: ThrowawayCluster, client: httpx.Client, tokens: dict[str, str]) -> None:
    body = {"refresh_token": tokens["refresh_token"]}
    client.post(f"{AUTH}/logout", json=body).raise_for_status()


def refreshed_twice(
    cluster: ThrowawayCluster, client: httpx.Client, tokens: dict[str, str]
) -> None:
    body = {"refresh_token": tokens["refresh_token"]}
    client.post(f"{AUTH}/refresh", json=body).raise_for_status()
    assert client.post(f"{AUTH}/refresh", json=body).status_code == 401


def password_changed(
    cluster: ThrowawayCluster, client: httpx.Client, tokens: dict[str, str]
) -> None:
    body = {"current_password": PASSWORD, "new_password": f"{PASSWORD}, but another"}
    client.post(f"{AUTH}/me/password", json=body).raise_for_status()


def ended(cluster: ThrowawayCluster, client: httpx.Client, tokens: dict[str, str]) -> None:
    sessions = client.get(f"{AUTH}/sessions").raise_for_status().json()
    (current,) = [each["id"] for each in sessions if each["current"]]
    client.delete(f"{AUTH}/sessions/{current}").raise_for_status()


@pytest.mark.parametrize("end", [deactivated, signed_out, refreshed_twice, password_changed, ended])
def test_every_service_refuses_a_token_of_an_ended_session_within_seconds(
    cluster: ThrowawayCluster, end: Ending, say: Say
) -> None:
    name = end.__name__.replace("_", "-")
    cluster.user(name)
    client, tokens = log_in(name)
    bystander = cluster.user(f"beside-{name}").http()
    with client, bystander, writing(bystander) as traffic:
        eventually(lambda: statuses(client) == {200, 201}, SETTLED)

        end(cluster, client, tokens)

        begin = time.monotonic()
        while (seen := statuses(client)) != {401}:
            assert time.monotonic() - begin < PROMISE + MARGIN, seen
        seconds = time.monotonic() - begin
        assert statuses(bystander) == {200, 201}
    assert traffic.failed == []
    assert traffic.acknowledged
    say(f"{name}: refused everywhere after {seconds:.2f} s")


@pytest.mark.drill
def test_while_the_user_service_hangs_tasks_go_on_and_ended_sessions_stay_ended(
    cluster: ThrowawayCluster,
) -> None:
    for name in ("goes-on", "is-out"):
        cluster.user(name)
    (goes_on, _), (is_out, tokens) = log_in("goes-on"), log_in("is-out")
    with goes_on, is_out:
        signed_out(cluster, is_out, tokens)
        begin = time.monotonic()
        while statuses(is_out) != {401}:
            assert time.monotonic() - begin < PROMISE + MARGIN

        seen: set[tuple[int, ...]] = set()
        with frozen(cluster.service_pid("user_service")):
            begin, rounds = time.monotonic(), 0
            # Longer than the time-out of the services' own calls, so that these fail, too.
            while rounds < ROUNDS or time.monotonic() - begin < PROMISE:
                rounds += 1
                seen.add((
                    goes_on.post("/api/v1/tasks/", json={"title": "meanwhile"}).status_code,
                    goes_on.get("/api/v1/stats/").status_code,
                    is_out.get("/api/v1/tasks/").status_code,
                    is_out.get("/api/v1/stats/").status_code,
                ))  # fmt: skip
        assert seen == {(201, 200, 401, 401)}

        begin = time.monotonic()
        while goes_on.get(f"{AUTH}/me").status_code != 200:
            assert time.monotonic() - begin < SETTLED, "the user service did not come back"
            time.sleep(0.2)


def test_a_programs_token_works_in_the_cli_until_it_is_revoked(
    cluster: ThrowawayCluster, say: Say
) -> None:
    user = cluster.user("has-a-program")
    scopes = ["--scope", "tasks:read", "--scope", "tasks:write"]
    create = ["token", "create", "--name", "ci", *scopes, "--password-stdin"]
    made = json.loads(user.run(*create, "--json", stdin=PASSWORD))
    headers = {"Authorization": f"Bearer {made['token']}"}
    options: dict[str, Any] = {"trust_env": False, "timeout": 60}
    # A service that only forgets the token would refuse it after this, too.
    forgotten = time.monotonic() + CACHE_SECONDS
    with httpx.Client(base_url=GATEWAY_URL, headers=headers, **options) as program:
        assert program.post("/api/v1/tasks/", json={"title": "by a program"}).status_code == 201
        assert program.get("/api/v1/stats/").json()["total_tasks"] == 1
        assert program.get(f"{AUTH}/tokens").status_code == 403

        user.run("token", "revoke", made["id"])

        begin = time.monotonic()
        paths = ("/api/v1/tasks/", "/api/v1/stats/")
        while {program.get(path).status_code for path in paths} != {401}:
            assert time.monotonic() < forgotten
        seconds = time.monotonic() - begin
    say(f"token: refused everywhere after {seconds:.2f} s")


@pytest.mark.parametrize(
    "path",
    [
        "/internal/ended-sessions",
        "/internal/personal-token",
        "/api/v1/auth/internal/ended-sessions",
        "/api/v1/auth/../../../internal/ended-sessions",
        "/api/v1/auth/%2e%2e/%2e%2e/%2e%2e/internal/ended-sessions",
        "/api/v1/auth/..%2f..%2f..%2finternal/ended-sessions",
        "//internal/ended-sessions",
        "/api/v1/auth//internal/ended-sessions",
    ],
)
def test_an_internal_path_of_a_service_is_not_routed(cluster: ThrowawayCluster, path: str) -> None:
    # Not with httpx, which normalises such paths.
    connection = HTTPConnection("localhost", 8000, timeout=60)
    connection.putrequest("GET", path, skip_host=False)
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, b'sessions":' in answer.read()) in {(404, False), (400, False)}
    connection.close()
