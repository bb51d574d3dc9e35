"""Creation of tasks."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest


def test_a_title_is_enough(ada: httpx.Client) -> None:
    answer = ada.post("/", json={"title": "Water the plants"})

    assert answer.status_code == 201
    task = answer.json()
    assert answer.headers["Location"] == f"/api/v1/tasks/{task['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert (task["status"], task["priority"], task["is_completed"]) == ("todo", "medium", False)
    assert task["description"] is task["due_date"] is None
    assert task["created_at"] == task["updated_at"]
    assert ada.get(answer.headers["Location"].removeprefix("/api/v1/tasks")).json() == task


def test_every_field_is_stored_as_given(ada: httpx.Client) -> None:
    given = {
        "title": "Étude ☃ 🎹",
        "description": "line one\nline two",
        "status": "in_progress",
        "priority": "high",
        "due_date": "2030-02-03T04:05:06+00:00",
    }

    task = ada.post("/", json=given).json()

    assert {name: task[name] for name in given} == given


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2030-01-01T12:00:00", "2030-01-01T12:00:00+00:00"),
        ("2030-01-01T12:00:00+02:00", "2030-01-01T10:00:00+00:00"),
        ("2030-01-01", "2030-01-01T00:00:00+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_due_dates_are_answered_in_utc(ada: httpx.Client, given: str, stored: str) -> None:
    assert ada.post("/", json={"title": "a", "due_date": given}).json()["due_date"] == stored


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"is_completed": True}, "done"),
        ({"is_completed": False}, "todo"),
        ({"is_completed": False, "status": "in_progress"}, "in_progress"),
        ({"is_completed": True, "status": "done"}, "done"),
    ],
)
def test_completion_can_be_said_instead_of_the_status(
    ada: httpx.Client, given: dict[str, Any], status: str
) -> None:
    task = ada.post("/", json={"title": "a", **given}).json()

    assert (task["status"], task["is_completed"]) == (status, status == "done")


def test_contradicting_completion_and_status_are_refused(ada: httpx.Client) -> None:
    answer = ada.post("/", json={"title": "a", "status": "todo", "is_completed": True})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/contradiction")
    assert ada.get("/").json() == []


def test_the_owner_and_what_the_database_keeps_cannot_be_chosen(ada: httpx.Client) -> None:
    chosen = {"id": 999_999, "owner_id": 999_999, "version": 7, "created_at": "2000-01-01"}

    task = ada.post("/", json={"title": "a", **chosen}).json()

    assert task["id"] != 999_999
    assert task["owner_id"] != 999_999
    assert datetime.fromisoformat(task["created_at"]).year >= datetime.now(UTC).year
