"""Paths that the gateway routes to no service."""

import httpx
import pytest

from servicekit.testing.conformance import assert_problem

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/api/v1/auth", "user-service"),
        ("/api/v1/auth/", "user-service"),
        ("/api/v1/auth/login", "user-service"),
        ("/api/v1/tasks", "task-service"),
        ("/api/v1/tasks/1/complete/", "task-service"),
        ("/api/v1/tasks/?limit=1", "task-service"),
        ("/api/v1/stats/", "stats-service"),
        ("/api/v1/stats/%20/%ff", "stats-service"),
    ],
)
def test_a_path_that_a_service_owns_is_a_503_until_the_service_is_back(
    client: httpx.Client, method: str, path: str, owner: str
) -> None:
    answer = client.request(method, path)

    assert_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["detail"] == f"{owner} has no healthy instance."


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api", "/api/v1/", "/api/v1/tasksX", "/api/v1/users", "/%2e%2e", "/\u00e9"],
)
def test_any_other_path_is_a_404(client: httpx.Client, method: str, path: str) -> None:
    assert_problem(client.request(method, path), 404)


@pytest.mark.parametrize("path", ["/", "/health", "/docs"])
def test_the_portals_own_pages_come_first(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200
    assert_problem(client.post(path), 405)


def test_a_large_body_on_the_way_to_nobody_is_refused(client: httpx.Client) -> None:
    assert_problem(client.post("/api/v1/tasks/", content=b"x" * 2_000_000), 413)


def test_a_head_request_is_answered_without_a_body(client: httpx.Client) -> None:
    answer = client.head("/api/v1/tasks/")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("path", ["/api/v1/tasks%2f", "/api/v1/tasks%2F1", "/api/v1/stats/%00"])
def test_a_path_that_no_service_can_have_is_a_404(client: httpx.Client, path: str) -> None:
    assert_problem(client.get(path), 404)
