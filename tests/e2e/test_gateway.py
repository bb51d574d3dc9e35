"""The gateway's own answers, when a service gives none: every error has one form."""

import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from servicekit.testing.conformance import assert_problem
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster, User, frozen

TASKS = "/api/v1/tasks/"
STATS = "/api/v1/stats/"
TEN_MEGABYTES = 10_000_000

LIMIT_SECONDS = 180  # generous: a machine may be busy


@pytest.fixture(scope="module")
def olivia(cluster: ThrowawayCluster) -> User:
    cluster.settle()
    return cluster.user("olivia")


@pytest.fixture
def client(settled: None, olivia: User) -> Iterator[httpx.Client]:
    """Give a client with a user's login. At the end wait until every service is healthy again."""
    with olivia.http() as client:
        yield client


def assert_may_work_later(answer: httpx.Response, status: int) -> None:
    assert_problem(answer, status)
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nope", 404), ("GET", "/api/v2/tasks", 404), ("PUT", "/", 405), ("PUT", STATS, 405)],
)
def test_an_unknown_path_or_method_is_a_problem(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    assert_problem(client.request(method, path), status)


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/metrics/", "/metrics%2f", "/metrics%2F", "/metrics%0a", "/metrics%00",
     "/%6d%65trics", "/metrics/%2e", "/.%2fmetrics", "/docs/..%2fmetrics", "/gateway-errors/502",
     "/gateway-errors/502/", "/gateway-errors%2f502", "/api/v1/tasks%2f", "/api/v1/tasks/%0a",
     "/api/v1/tasks%2f..%2f..%2f..%2fmetrics"],
)  # fmt: skip
def test_no_spelling_of_an_internal_path_is_routed(client: httpx.Client, path: str) -> None:
    for answer in (client.get(path), client.get(f"{path}?limit=1")):
        assert_problem(answer, 404)
        assert "http_request" not in answer.text


def test_the_link_to_the_next_page_works(client: httpx.Client) -> None:
    for title in ("one", "two"):
        assert client.post(TASKS, json={"title": title}).status_code == 201
    first = client.get("/api/v1/tasks?limit=1")
    assert client.get(first.links["next"]["url"]).json() != first.json()


@pytest.mark.parametrize("path", [TASKS, "/", "/nope"])
def test_an_unknown_method_is_a_405(client: httpx.Client, path: str) -> None:
    answer = client.request("QUERY", path)
    assert_problem(answer, 405)
    assert "PATCH" in answer.headers["Allow"]


def test_no_answer_of_the_gateway_names_the_programs_behind_it(client: httpx.Client) -> None:
    paths = ["/", "/docs", "/docs/assets/favicon.png", "/health", "/nope", "/metrics", TASKS, STATS]
    for path in [*paths, "/api/v1/auth/me", f"{TASKS}999999", f"{TASKS}x"]:
        answer = client.get(path)
        told = [name for name in answer.headers if name.startswith(("server", "via", "x-envoy"))]
        assert not told, (path, told)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_cache_stores_a_users_data_and_an_etag_saves_the_body(
    client: httpx.Client,
) -> None:
    made = client.post(TASKS, json={"title": "three"})
    for path in (TASKS, made.headers["Location"], STATS, f"{TASKS}stats", "/api/v1/auth/me"):
        assert client.get(path).headers["Cache-Control"] == "no-store", path
    known = {"If-None-Match": made.headers["ETag"]}
    again = client.get(made.headers["Location"], headers=known)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", [TASKS, "/nope"])
def test_ten_megabytes_are_a_413_with_and_without_a_content_length(
    client: httpx.Client, path: str
) -> None:
    body = b"x" * TEN_MEGABYTES
    for content in (body, iter([body[:1_000_000]] * 10)):
        answer = client.post(path, content=content)
        assert_problem(answer, 413)
        assert answer.json()["detail"] == "A request body may have at most 1048576 bytes."


def test_a_dead_application_behind_a_living_sidecar_is_a_502(
    cluster: ThrowawayCluster, client: httpx.Client
) -> None:
    with frozen(cluster.agent_pid("nomad")):  # it would start another one, or end the route
        os.kill(cluster.service_pid("stats_service"), signal.SIGKILL)
        answer = client.get(STATS, headers={"X-Request-ID": "mine"})

    assert_may_work_later(answer, 502)
    assert answer.json()["instance"] == STATS
    assert answer.json()["request_id"] == "mine"
    assert "stats-service" in answer.json()["detail"]


def test_a_dead_sidecar_is_a_502(cluster: ThrowawayCluster, client: httpx.Client) -> None:
    killed = cluster.sidecar_pid("stats-service")  # Nomad has to be asked for it
    with frozen(cluster.agent_pid("nomad")):
        os.kill(killed, signal.SIGKILL)
        answer = client.get(STATS)

    assert_may_work_later(answer, 502)


def test_a_silent_application_is_a_504_and_without_its_instance_a_503(
    cluster: ThrowawayCluster, client: httpx.Client
) -> None:
    with frozen(cluster.service_pid("stats_service")):
        silent = client.get(STATS)
        away = wait.until("a 503", lambda: _if_status(client.get(STATS), 503), LIMIT_SECONDS)

    assert_may_work_later(silent, 504)
    assert "stats-service did not answer in time" in silent.json()["detail"]
    assert_may_work_later(away, 503)
    assert away.json()["detail"] == "stats-service has no healthy instance."


def test_a_services_own_503_is_passed_on_unchanged(
    cluster: ThrowawayCluster, client: httpx.Client
) -> None:
    with frozen(cluster.service_pid("task_service")):
        answer = client.get(STATS)

    assert_may_work_later(answer, 503)
    assert answer.json()["detail"] == "The task service does not answer right now: try again."


def test_without_the_portal_services_answer_as_before(
    cluster: ThrowawayCluster, client: httpx.Client
) -> None:
    with frozen(cluster.service_pid("portal_service")):
        wait.until("its route's end", lambda: not _is_routed("portal"), LIMIT_SECONDS)
        assert client.get(TASKS).status_code == 200
        assert_problem(client.get(f"{TASKS}999999"), 404)
        assert_problem(client.post(TASKS, content=b"x" * TEN_MEGABYTES), 413)
        # Only the portal can tell an unknown path from one without a healthy instance.
        assert_may_work_later(client.get("/nope"), 503)


def _if_status(answer: httpx.Response, status: int) -> httpx.Response | None:
    return answer if answer.status_code == status else None


def _is_routed(service: str) -> bool:
    router = f"http://localhost:8080/api/http/routers/{service}@file"
    return httpx.get(router, trust_env=False, timeout=LIMIT_SECONDS).status_code == 200
