"""A deleted task stays for a while, and comes back as it was."""

from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from servicekit.testing.conformance import assert_problem

Task = dict[str, Any]

DELETED = {"deleted": "true"}


@pytest.fixture
def task(ada: httpx.Client) -> Task:
    fields = {"title": "a", "description": "b", "status": "done", "priority": "high"}
    task: Task = ada.post("/", json={**fields, "due_date": "2030-01-01T00:00:00Z"}).json()
    return task


@pytest.fixture
def gone(ada: httpx.Client, task: Task) -> Task:
    assert ada.delete(f"/{task['id']}").status_code == 204
    return task


def age(database: Engine, task: Task, days: int) -> None:
    with database.begin() as connection:
        connection.execute(
            text("UPDATE deleted_tasks SET deleted_at = now() - :days * interval '1 day'"
                 " WHERE id = :id"),
            {"days": days, "id": task["id"]},
        )  # fmt: skip


def test_a_deleted_task_is_in_the_list_of_deleted_ones_only(ada: httpx.Client, gone: Task) -> None:
    [listed] = ada.get("/", params=DELETED).json()

    assert listed.pop("deleted_at") >= gone["updated_at"]
    assert listed == gone
    assert ada.get("/").json() == []
    assert ada.get("/stats").json()["total_tasks"] == 0


def test_a_task_that_is_there_says_nothing_of_a_deletion(ada: httpx.Client, task: Task) -> None:
    assert "deleted_at" not in task
    assert ada.get("/", params=DELETED).json() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("PATCH", "/complete")],
)
def test_a_deleted_task_is_not_found(ada: httpx.Client, gone: Task, method: str, path: str) -> None:
    body = {"title": "b"} if method in ("PUT", "PATCH") and not path else None

    assert_problem(ada.request(method, f"/{gone['id']}{path}", json=body), 404)


def test_a_restored_task_is_as_it_was_and_a_version_of_its_own(
    ada: httpx.Client, gone: Task
) -> None:
    answer = ada.post(f"/{gone['id']}/restore")

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    restored = answer.json()
    assert restored["updated_at"] > gone["updated_at"]
    assert restored | {"updated_at": gone["updated_at"]} == gone
    assert ada.get(f"/{gone['id']}").json() == restored
    assert ada.get("/", params=DELETED).json() == []
    assert ada.get("/stats").json()["completed_tasks"] == 1


def test_restoring_twice_changes_nothing(ada: httpx.Client, gone: Task) -> None:
    first, second = (ada.post(f"/{gone['id']}/restore") for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert (first.content, first.headers["ETag"]) == (second.content, second.headers["ETag"])


@pytest.mark.parametrize(("tag", "status"), [('"1"', 412), ('"2"', 200), ("*", 200), ("x", 412)])
def test_the_version_in_the_bin_is_the_one_after_the_deletion(
    ada: httpx.Client, gone: Task, tag: str, status: int
) -> None:
    answer = ada.post(f"/{gone['id']}/restore", headers={"If-Match": tag})

    assert answer.status_code == status
    assert len(ada.get("/", params=DELETED).json()) == (status == 412)


def test_a_version_that_a_task_has_not_restores_nothing(ada: httpx.Client, task: Task) -> None:
    assert_problem(ada.post(f"/{task['id']}/restore", headers={"If-Match": '"7"'}), 412)


def test_somebody_elses_deleted_task_is_not_found(
    ada: httpx.Client, bob: httpx.Client, gone: Task
) -> None:
    assert_problem(bob.post(f"/{gone['id']}/restore"), 404)
    assert bob.get("/", params=DELETED).json() == []
    assert len(ada.get("/", params=DELETED).json()) == 1


def test_what_never_was_is_not_found(ada: httpx.Client) -> None:
    assert_problem(ada.post("/2147483647/restore"), 404)


def test_a_deletion_can_be_repeated(ada: httpx.Client, gone: Task) -> None:
    ada.post(f"/{gone['id']}/restore")

    assert ada.delete(f"/{gone['id']}", headers={"If-Match": '"3"'}).status_code == 204
    assert ada.post(f"/{gone['id']}/restore").headers["ETag"] == '"5"'


def test_after_thirty_days_a_task_is_gone_although_nobody_has_removed_it(
    ada: httpx.Client, gone: Task, database: Engine
) -> None:
    age(database, gone, 30)

    assert ada.get("/", params=DELETED).json() == []
    assert_problem(ada.post(f"/{gone['id']}/restore"), 404)


def test_each_deletion_removes_some_of_what_is_too_old(
    ada: httpx.Client, database: Engine, make_many: Any
) -> None:
    ids = make_many(ada, 15)
    for task_id in ids[:13]:
        ada.delete(f"/{task_id}")
        age(database, {"id": task_id}, 29 if task_id == ids[0] else 31)

    for task_id in ids[13:]:
        ada.delete(f"/{task_id}")

    with database.connect() as connection:
        query = text("SELECT id FROM deleted_tasks WHERE id = ANY(:ids) ORDER BY id")
        left = connection.execute(query, {"ids": ids}).scalars()
        assert list(left) == [ids[0], *ids[13:]]


@pytest.fixture
def many(ada: httpx.Client, make_many: Any) -> list[int]:
    ids: list[int] = make_many(ada, 5)
    for task_id in ids:
        ada.delete(f"/{task_id}")
    return ids


def test_the_bin_has_pages_filters_and_sorts_as_the_list_has(
    ada: httpx.Client, many: list[int]
) -> None:
    query = httpx.QueryParams({**DELETED, "sort": "title", "limit": "2"})
    assert [task["title"] for task in ada.get("/", params=query.set("q", "3")).json()] == ["3"]

    pages, url = [], f"/?{query.set('priority', 'medium')}"
    while url:
        answer = ada.get(url)
        pages.append([task["title"] for task in answer.json()])
        url = answer.links.get("next", {}).get("url", "").removeprefix("/api/v1/tasks")
    assert pages == [["0", "1"], ["2", "3"], ["4"]]


def test_a_cursor_of_one_list_is_none_of_the_other(ada: httpx.Client, many: list[int]) -> None:
    answer = ada.get("/", params={**DELETED, "limit": 1})
    cursor = httpx.URL(answer.links["next"]["url"]).params["cursor"]

    assert_problem(ada.get("/", params={"limit": 1, "cursor": cursor}), 422)
