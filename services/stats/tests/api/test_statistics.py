"""The figures, and when there are none."""

from uuid import uuid4

import httpx
import pytest
from pydantic import HttpUrl, SecretStr

from servicekit.testing.client import running
from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import SECRET, bearer
from stats_service.api.problems import PROBLEMS
from stats_service.app import create_app
from stats_service.domain.errors import StatisticsError
from stats_service.settings import StatsSettings


def test_every_error_of_the_domain_has_a_status() -> None:
    assert set(PROBLEMS) == set(StatisticsError.__subclasses__())


def test_a_user_without_tasks_gets_zeros(client: httpx.Client) -> None:
    answer = client.get("/api/v1/stats/", headers=bearer(2))

    assert answer.status_code == 200
    assert answer.json() == {
        "total_tasks": 0,
        "completed_tasks": 0,
        "pending_tasks": 0,
        "completion_percentage": 0.0,
        "overdue_tasks": 0,
        "by_status": {"todo": 0, "in_progress": 0, "done": 0},
        "by_priority": {"low": 0, "medium": 0, "high": 0},
    }


@pytest.mark.parametrize(("path", "user_id"), [("/api/v1/stats", 3), ("/api/v1/stats/", 4)])
def test_the_figures_are_the_task_services_own_for_the_caller(
    client: httpx.Client, tasks_url: str, path: str, user_id: int
) -> None:
    tasks = f"{tasks_url}/api/v1/tasks"
    for fields in (
        {"status": "done"},
        {"priority": "high", "due_date": "2001-01-01"},
        {"status": "in_progress"},
    ):
        httpx.post(f"{tasks}/", json={"title": "a", **fields}, headers=bearer(user_id))
    httpx.post(f"{tasks}/", json={"title": "another's"}, headers=bearer(5), timeout=60)

    answer = client.get(path, headers=bearer(user_id))

    assert answer.json() == httpx.get(f"{tasks}/stats", headers=bearer(user_id), timeout=60).json()
    assert answer.json()["total_tasks"] == 3
    assert answer.json()["completion_percentage"] == 33.33


def test_the_token_of_an_ended_session_is_refused_and_costs_the_task_service_nothing() -> None:
    ended, alive = uuid4(), uuid4()
    asked: list[httpx.Request] = []

    def tell(_: httpx.Request) -> httpx.Response:
        news = {"position": 1, "seconds": 60, "sessions": [str(ended)]}
        return httpx.Response(200, json=news)

    def count(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503)

    settings = StatsSettings(
        task_service_url=HttpUrl("http://tasks"),
        user_service_url=HttpUrl("http://users"),
        secret_key=SecretStr(SECRET),
        log_level="ERROR",
    )
    app = create_app(settings, httpx.MockTransport(count), httpx.MockTransport(tell))
    with running(app) as client:
        answer = client.get("/api/v1/stats/", headers=bearer(session_id=ended))
        assert_problem(answer, 401)
        assert asked == []
        client.get("/api/v1/stats/", headers=bearer(session_id=alive))
        assert asked
