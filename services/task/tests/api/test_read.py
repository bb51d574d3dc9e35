"""Reads of one task, and entity tags."""

from typing import Any

import httpx
import pytest


@pytest.fixture
def task(ada: httpx.Client) -> dict[str, Any]:
    task: dict[str, Any] = ada.post("/", json={"title": "a"}).json()
    return task


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"9", "1"', "*"])
def test_a_task_that_the_caller_holds_is_not_sent_again(
    ada: httpx.Client, task: dict[str, Any], tag: str
) -> None:
    answer = ada.get(f"/{task['id']}", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", '"1"')


@pytest.mark.parametrize("tag", ['"2"', "1", "", "nonsense"])
def test_a_task_that_the_caller_does_not_hold_is_sent(
    ada: httpx.Client, task: dict[str, Any], tag: str
) -> None:
    answer = ada.get(f"/{task['id']}", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.json()) == (200, task)


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("PATCH", "/complete"),
        ("PATCH", "/incomplete"),
        ("POST", "/restore"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"If-Match": '"1"'}, {"If-Match": '"7"'}])
def test_another_owners_task_cannot_be_told_from_none(
    ada: httpx.Client,
    bob: httpx.Client,
    task: dict[str, Any],
    method: str,
    call: str,
    headers: dict[str, str],
) -> None:
    body = {"title": "mine now"} if method in ("PUT", "PATCH") else None

    theirs = bob.request(method, f"/{task['id']}{call}", json=body, headers=headers)
    nothing = bob.request(method, f"/{2**31 - 1}{call}", json=body, headers=headers)

    assert theirs.status_code == nothing.status_code == 404
    assert theirs.json()["type"] == nothing.json()["type"] == "/problems/task-not-found"
    assert ada.get(f"/{task['id']}").json() == task


def test_lists_and_figures_hold_the_callers_tasks_only(
    ada: httpx.Client, bob: httpx.Client, task: dict[str, Any]
) -> None:
    assert ada.get("/").json() == [task]
    assert bob.get("/").json() == []
    assert bob.get("/stats").json()["total_tasks"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", "/"),
        ("GET", "/stats"),
        ("GET", "/1"),
        ("PUT", "/1"),
        ("PATCH", "/1"),
        ("DELETE", "/1"),
        ("PATCH", "/1/complete"),
        ("PATCH", "/1/incomplete"),
        ("POST", "/1/restore"),
    ],
)
def test_nothing_answers_without_a_token(ada: httpx.Client, method: str, path: str) -> None:
    del ada.headers["Authorization"]

    answer = ada.request(method, path)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_figures_follow_the_tasks(ada: httpx.Client) -> None:
    done = ada.post("/", json={"title": "a", "priority": "high", "due_date": "2001-01-01"}).json()
    ada.patch(f"/{done['id']}/complete")
    ada.post("/", json={"title": "b", "due_date": "2001-01-01"})
    ada.post("/", json={"title": "c", "status": "in_progress", "due_date": "2999-01-01"})

    assert ada.get("/stats").json() == {
        "total_tasks": 3,
        "completed_tasks": 1,
        "pending_tasks": 2,
        "completion_percentage": 33.33,
        "overdue_tasks": 1,
        "by_status": {"todo": 1, "in_progress": 1, "done": 1},
        "by_priority": {"low": 0, "medium": 2, "high": 1},
    }
