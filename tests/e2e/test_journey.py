"""A new user's way through the CLI and through the gateway."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import PASSWORD, ThrowawayCluster
from tests.e2e import task_logs


@pytest.fixture
def anyone(cluster: ThrowawayCluster) -> Iterator[httpx.Client]:
    """Return a client of the gateway without a login."""
    with httpx.Client(base_url=GATEWAY_URL, trust_env=False, timeout=60) as client:
        yield client


def test_a_new_user_works_with_tasks_through_the_cli(cluster: ThrowawayCluster) -> None:
    ada = cluster.user("ada")
    first = ada.json("task", "create", "Plan", "--priority", "high", "--due", "2031-05-01")
    ada.run("task", "create", "Build", "--status", "in_progress")
    third = ada.json("task", "create", "Rest", "--status", "done", "--priority", "low")
    assert [t["title"] for t in ada.json("task", "list")] == ["Rest", "Build", "Plan"]
    assert [t["title"] for t in ada.json("task", "list", "--status", "todo")] == ["Plan"]
    assert [t["title"] for t in ada.json("task", "list", "--priority", "low")] == ["Rest"]
    assert third["is_completed"] is True

    ada.run("task", "complete", str(first["id"]))
    stats = ada.json("stats")
    assert (stats["total_tasks"], stats["completed_tasks"]) == (3, 2)
    assert stats["completion_percentage"] == 66.67

    ada.run("task", "reopen", str(first["id"]))
    ada.run("task", "update", str(first["id"]), "--title", "Plan again")
    assert ada.json("task", "show", str(first["id"]))["title"] == "Plan again"
    ada.run("task", "delete", str(first["id"]), "--yes")
    ada.run("task", "show", str(first["id"]), code=5)
    assert ada.json("whoami")["username"] == "ada"
    ada.run("logout")
    ada.run("task", "list", code=4)


def test_a_new_user_works_with_tasks_over_http(
    cluster: ThrowawayCluster, anyone: httpx.Client
) -> None:
    account = {"email": "bob@example.com", "username": "bob", "password": PASSWORD}
    assert anyone.post("/api/v1/auth/register", json=account).status_code == 201
    assert anyone.post("/api/v1/auth/register", json=account).status_code == 409
    with cluster.user("bobby").http() as bob:
        made = bob.post("/api/v1/tasks/", json={"title": "Over HTTP", "priority": "high"})
        assert made.status_code == 201
        assert bob.get(made.headers["Location"]).json()["title"] == "Over HTTP"
        done = bob.patch(f"/api/v1/tasks/{made.json()['id']}/complete")
        assert done.json()["is_completed"] is True
        assert bob.get("/api/v1/stats/").json()["completion_percentage"] == 100
        assert bob.get("/api/v1/tasks/stats").json() == bob.get("/api/v1/stats/").json()


def test_a_user_never_sees_another_users_task(cluster: ThrowawayCluster) -> None:
    with cluster.user("carol").http() as carol, cluster.user("dave").http() as dave:
        task = carol.post("/api/v1/tasks/", json={"title": "Carol's"}).json()
        path = f"/api/v1/tasks/{task['id']}"
        answers = [
            dave.get(path),
            dave.put(path, json={"title": "Dave's"}),
            dave.patch(f"{path}/complete"),
            dave.delete(path),
        ]
        assert [a.status_code for a in answers] == [404] * 4
        assert carol.get(path).json() == task
        assert dave.get("/api/v1/tasks/").json() == []


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/api/v1/stats", "/api/v1/auth/me"])
def test_both_slash_forms_of_a_path_ask_for_a_token(anyone: httpx.Client, path: str) -> None:
    for form in (path, f"{path}/"):
        answer = anyone.get(form)
        assert answer.status_code == 401, form
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/nope", "/api/v1/tasksX", "/api/v2/tasks"])
def test_a_path_without_a_route_is_a_problem(anyone: httpx.Client, path: str) -> None:
    answer = anyone.get(path)
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


def test_the_edges_own_pages_work_without_the_internet(anyone: httpx.Client) -> None:
    assert anyone.get("/").json()["name"] == "TaskTracker"
    assert anyone.get("/health").json()["status"] == "ok"
    page = anyone.get("/docs", headers={"Accept": "text/html"}).text
    assert "https://" not in page
    assert "http://" not in page


def test_metrics_are_not_routed(anyone: httpx.Client) -> None:
    assert anyone.get("/metrics").status_code == 404
    assert anyone.get("/api/v1/tasks/metrics").status_code in (401, 404)


def test_cors_is_answered_for_the_configured_origin_only(anyone: httpx.Client) -> None:
    def preflight(origin: str) -> httpx.Response:
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key",
        }
        return anyone.options("/api/v1/tasks/", headers=headers)

    allowed = preflight("http://localhost:3000")
    assert allowed.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "Idempotency-Key" in allowed.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in preflight("http://evil.example").headers

    answer = anyone.get("/", headers={"Origin": "http://localhost:3000"})
    assert "Idempotent-Replayed" in answer.headers["Access-Control-Expose-Headers"]


def test_a_body_over_the_limit_is_refused(cluster: ThrowawayCluster) -> None:
    with cluster.user("erin").http() as erin:
        answer = erin.post("/api/v1/tasks/", json={"title": "x", "description": "y" * 2**21})
        assert answer.status_code == 413
        assert erin.get("/api/v1/tasks/").json() == []


def test_the_request_id_comes_back_and_reaches_the_log(cluster: ThrowawayCluster) -> None:
    with cluster.user("frank").http() as frank:
        answer = frank.get("/api/v1/tasks/", headers={"X-Request-ID": "e2e-request-1"})
    assert answer.headers["X-Request-ID"] == "e2e-request-1"
    logged = task_logs.lines(cluster, "task-service", "app", "e2e-request-1")
    assert "Bearer" not in "".join(logged)


@pytest.mark.parametrize("url", ["http://localhost:8500/ui/", "http://localhost:4646/ui/"])
def test_the_agents_pages_can_be_opened(cluster: ThrowawayCluster, url: str) -> None:
    assert httpx.get(url, trust_env=False, timeout=60).status_code == 200


def test_the_dashboard_shows_a_route_for_each_service(cluster: ThrowawayCluster) -> None:
    options: dict[str, Any] = {"trust_env": False, "timeout": 60}
    with httpx.Client(base_url="http://localhost:8080", **options) as dashboard:
        assert dashboard.get("/", follow_redirects=True).status_code == 200
        routers = {r["name"]: r["status"] for r in dashboard.get("/api/http/routers").json()}
    for service in ("user-service", "task-service", "stats-service", "portal"):
        assert routers[f"{service}@file"] == "enabled"
