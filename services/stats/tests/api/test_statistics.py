import httpx
import pytest

from servicekit.testing.tokens import bearer
from stats_service.api.problems import PROBLEMS
from stats_service.domain.errors import StatisticsError


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
    httpx.post(f"{tasks}/", json={"title": "another's"}, headers=bearer(5))

    answer = client.get(path, headers=bearer(user_id))

    assert answer.json() == httpx.get(f"{tasks}/stats", headers=bearer(user_id)).json()
    assert answer.json()["total_tasks"] == 3
    assert answer.json()["completion_percentage"] == 33.33
