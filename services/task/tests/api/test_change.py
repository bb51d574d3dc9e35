"""Changes of a task, with and without If-Match."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest


@pytest.fixture
def task(ada: httpx.Client) -> dict[str, Any]:
    fields = {"title": "a", "description": "b", "due_date": "2030-01-01T00:00:00Z"}
    task: dict[str, Any] = ada.post("/", json={**fields, "priority": "high"}).json()
    return task


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_the_fields_given_change_and_the_others_stay(
    ada: httpx.Client, task: dict[str, Any], method: str
) -> None:
    answer = ada.request(method, f"/{task['id']}", json={"title": "c"})

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    changed = answer.json()
    assert changed["updated_at"] > task["updated_at"]
    assert changed | {"updated_at": task["updated_at"]} == task | {"title": "c"}
    assert ada.get(f"/{task['id']}").json() == changed


def test_null_clears_what_may_be_empty(ada: httpx.Client, task: dict[str, Any]) -> None:
    answer = ada.patch(f"/{task['id']}", json={"description": None, "due_date": None})

    assert answer.json()["description"] is answer.json()["due_date"] is None


def test_what_was_read_can_be_put_back_unchanged(ada: httpx.Client, task: dict[str, Any]) -> None:
    answer = ada.put(f"/{task['id']}", json=task)

    assert (answer.json(), answer.headers["ETag"]) == (task, '"1"')


@pytest.mark.parametrize("version", ['"1"', '"7", "1"', "*"])
def test_an_empty_change_answers_the_task(
    ada: httpx.Client, task: dict[str, Any], version: str
) -> None:
    answer = ada.patch(f"/{task['id']}", json={}, headers={"If-Match": version})

    assert (answer.json(), answer.headers["ETag"]) == (task, '"1"')


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        ("todo", True, "done"),
        ("in_progress", True, "done"),
        ("done", True, "done"),
        ("todo", False, "todo"),
        ("in_progress", False, "in_progress"),
        ("done", False, "todo"),
    ],
)
def test_completion_can_be_said_instead_of_the_status(
    ada: httpx.Client, before: str, given: bool, after: str
) -> None:
    task = ada.post("/", json={"title": "a", "status": before}).json()

    changed = ada.patch(f"/{task['id']}", json={"is_completed": given}).json()

    assert (changed["status"], changed["is_completed"]) == (after, after == "done")


def test_contradicting_completion_and_status_are_refused(
    ada: httpx.Client, task: dict[str, Any]
) -> None:
    answer = ada.put(f"/{task['id']}", json={"status": "done", "is_completed": False})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/contradiction")


@pytest.mark.parametrize("before", ["todo", "in_progress", "done"])
@pytest.mark.parametrize(("call", "after"), [("complete", "done"), ("incomplete", "todo")])
def test_completing_and_reopening_again_changes_nothing_more(
    ada: httpx.Client, before: str, call: str, after: str
) -> None:
    task = ada.post("/", json={"title": "a", "status": before}).json()

    once = ada.patch(f"/{task['id']}/{call}")
    again = ada.patch(f"/{task['id']}/{call}")

    assert once.json()["status"] == after
    assert once.json()["is_completed"] == (after == "done")
    assert (again.json(), again.headers["ETag"]) == (once.json(), once.headers["ETag"])


def test_a_deleted_task_is_gone(ada: httpx.Client, task: dict[str, Any]) -> None:
    answer = ada.delete(f"/{task['id']}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert ada.get(f"/{task['id']}").status_code == 404
    assert ada.delete(f"/{task['id']}").status_code == 404


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("PUT", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("PATCH", "/complete"),
        ("PATCH", "/incomplete"),
        ("POST", "/restore"),
    ],
)
def test_a_write_to_an_older_version_is_refused_and_changes_nothing(
    ada: httpx.Client, task: dict[str, Any], method: str, call: str
) -> None:
    newer = ada.patch(f"/{task['id']}", json={"status": "in_progress"})
    body = {"title": "lost"} if not call and method != "DELETE" else None

    answer = ada.request(method, f"/{task['id']}{call}", json=body, headers={"If-Match": '"1"'})

    assert (answer.status_code, answer.json()["type"]) == (412, "/problems/version-mismatch")
    assert ada.get(f"/{task['id']}").json() == newer.json()


def test_a_write_to_the_current_version_passes(ada: httpx.Client, task: dict[str, Any]) -> None:
    assert ada.delete(f"/{task['id']}", headers={"If-Match": '"1"'}).status_code == 204


def test_of_writers_that_hold_the_same_version_exactly_one_wins(
    ada: httpx.Client, task: dict[str, Any]
) -> None:
    writers = 8
    start = threading.Barrier(writers)

    def write(number: int) -> int:
        start.wait()
        body, held = {"title": f"writer {number}"}, {"If-Match": '"1"'}
        return ada.patch(f"/{task['id']}", json=body, headers=held).status_code

    with ThreadPoolExecutor(writers) as pool:
        statuses = list(pool.map(write, range(writers)))

    assert sorted(statuses) == [200] + [412] * (writers - 1)
    winner = ada.get(f"/{task['id']}")
    assert winner.json()["title"] == f"writer {statuses.index(200)}"
    assert winner.headers["ETag"] == '"2"'
