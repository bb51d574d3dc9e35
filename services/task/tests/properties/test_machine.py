"""Any sequence of calls leaves the tasks that a plain dictionary would hold."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from servicekit.testing.credentials import bearer

Fields = dict[str, Any]

STATUSES = ["todo", "in_progress", "done"]
PRIORITIES = ["low", "medium", "high"]
TEXT = st.text(st.sampled_from("aAbBéÉ☃%_\\ \n"), max_size=6)
TITLES = TEXT.map(str.strip).filter(bool)
DUE = st.datetimes(timezones=st.just(UTC))
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "description": st.none() | TEXT,
    "status": st.sampled_from(STATUSES),
    "priority": st.sampled_from(PRIORITIES),
    "due_date": st.none() | DUE.map(datetime.isoformat),
    "is_completed": st.booleans(),
}
CREATION = st.fixed_dictionaries({"title": TITLES}, optional=OPTIONAL)
CHANGES = st.fixed_dictionaries({}, optional={"title": TITLES, **OPTIONAL})
DEFAULTS: Fields = {
    "description": None,
    "status": "todo",
    "priority": "medium",
    "due_date": None,
}


def settle(task: Fields, changes: Fields) -> Fields | None:
    """Return the task with the changes, or None if they contradict each other."""
    after = {**task, **changes}
    if "is_completed" in changes:
        is_done = changes["is_completed"]
        if "status" in changes and (changes["status"] == "done") != is_done:
            return None
        if is_done:
            after["status"] = "done"
        elif after["status"] == "done":
            after["status"] = "todo"
    after["is_completed"] = after["status"] == "done"
    return after


def due(task: Fields) -> datetime | None:
    return datetime.fromisoformat(task["due_date"]) if task["due_date"] else None


def given(task: Fields) -> Fields:
    """Return the fields that callers set, in a form that can be compared."""
    return {name: task[name] for name in ("title", *DEFAULTS)} | {"due_date": due(task)}


def is_in(task: Fields, filters: Fields) -> bool:
    """Tell whether a list with these filters has the task."""
    moment = due(task)
    is_overdue = bool(moment and moment < datetime.now(UTC) and not task["is_completed"])
    text = f"{task['title']}\x00{task['description'] or ''}".lower()
    return (
        filters.get("status", task["status"]) == task["status"]
        and filters.get("priority", task["priority"]) == task["priority"]
        and filters.get("overdue", is_overdue) == is_overdue
        and filters.get("q", "").lower() in text
        and not ("due_before" in filters and not (moment and moment < filters["due_before"]))
    )


def without_deletion(task: Fields) -> Fields:
    return {name: value for name, value in task.items() if name != "deleted_at"}


def sort_key(task: Fields, field: str) -> Any:
    return {
        "created_at": task["created_at"],
        "due_date": due(task) or datetime.max.replace(tzinfo=UTC),
        "priority": PRIORITIES.index(task["priority"]),
        "title": task["title"].lower(),
    }[field]


class TaskMachine(RuleBasedStateMachine):
    ids = Bundle("ids")  # also of tasks that are gone

    def __init__(self, client: httpx.Client, user_id: int) -> None:
        super().__init__()
        self.client, self.user_id = client, user_id
        client.headers.update(bearer(user_id))
        self.model: dict[int, Fields] = {}
        self.bin: dict[int, Fields] = {}
        self.versions: dict[int, int] = {}
        self.keys: dict[str, tuple[Fields, httpx.Response]] = {}

    @rule(target=ids, body=CREATION)
    def create(self, body: Fields) -> int:
        return self._made(self.client.post("/", json=body), body)

    @rule(target=ids, body=CREATION, key=st.sampled_from("kl"))
    def create_once(self, body: Fields, key: str) -> int:
        answer = self.client.post("/", json=body, headers={"Idempotency-Key": key})
        if key not in self.keys:
            if answer.status_code == 201:
                self.keys[key] = body, answer
            return self._made(answer, body)
        before, first = self.keys[key]
        if answer.status_code == 201:  # also for the same fields in other words
            assert (answer.content, answer.headers["ETag"]) == (first.content, '"1"')
        else:
            assert (answer.status_code, body != before) == (422, True)
        return int(first.json()["id"])

    @rule(key=st.sampled_from("kl"))
    def create_again(self, key: str) -> None:
        if key in self.keys:
            body, first = self.keys[key]
            again = self.client.post("/", json=body, headers={"Idempotency-Key": key})
            assert (again.status_code, again.content) == (201, first.content)

    @rule(task_id=ids, changes=CHANGES, method=st.sampled_from(["PUT", "PATCH"]))
    def change(self, task_id: int, changes: Fields, method: str) -> None:
        self._changed(task_id, changes, self.client.request(method, f"/{task_id}", json=changes))

    @rule(task_id=ids)
    def complete(self, task_id: int) -> None:
        answer = self.client.patch(f"/{task_id}/complete")
        self._changed(task_id, {"status": "done"}, answer)

    @rule(task_id=ids)
    def reopen(self, task_id: int) -> None:
        answer = self.client.patch(f"/{task_id}/incomplete")
        self._changed(task_id, {"status": "todo"}, answer)

    @rule(task_id=ids, changes=CHANGES, behind=st.integers(0, 2))
    def change_a_version(self, task_id: int, changes: Fields, behind: int) -> None:
        version = self.versions.get(task_id, 1) - behind
        answer = self.client.patch(
            f"/{task_id}", json=changes, headers={"If-Match": f'"{version}"'}
        )
        if behind and task_id in self.model and settle(DEFAULTS, changes):
            assert answer.status_code == 412
        else:
            self._changed(task_id, changes, answer)

    @rule(task_id=ids)
    def delete(self, task_id: int) -> None:
        answer = self.client.delete(f"/{task_id}")
        task = self.model.pop(task_id, None)
        assert answer.status_code == (204 if task else 404)
        if task:
            self.bin[task_id] = task
            self.versions[task_id] += 1

    @rule(task_id=ids, behind=st.none() | st.integers(0, 2))
    def restore(self, task_id: int, behind: int | None) -> None:
        version = self.versions.get(task_id, 1) - (behind or 0)
        headers = {} if behind is None else {"If-Match": f'"{version}"'}
        answer = self.client.post(f"/{task_id}/restore", headers=headers)
        if task_id not in self.model and task_id not in self.bin:
            assert answer.status_code == 404
        elif behind:
            assert answer.status_code == 412
        else:
            if before := self.bin.pop(task_id, None):
                self.versions[task_id] += 1
                assert answer.json()["updated_at"] > before["updated_at"]
                self.model[task_id] = before | {"updated_at": answer.json()["updated_at"]}
            assert (answer.json(), answer.headers["ETag"]) == self._known(task_id)

    @rule(task_id=ids)
    def get(self, task_id: int) -> None:
        answer = self.client.get(f"/{task_id}")
        if task_id in self.model:
            assert (answer.json(), answer.headers["ETag"]) == self._known(task_id)
        else:
            assert answer.status_code == 404

    @rule(
        status=st.none() | st.sampled_from(STATUSES),
        priority=st.none() | st.sampled_from(PRIORITIES),
        q=st.none() | TEXT.filter(bool),
        overdue=st.none() | st.booleans(),
        due_before=st.none() | DUE,
        sort=st.sampled_from(["created_at", "due_date", "priority", "title"]),
        direction=st.sampled_from(["", "-"]),
        limit=st.integers(1, 5),
        deleted=st.booleans(),
    )
    def turn_pages(
        self, *, sort: str, direction: str, limit: int, deleted: bool, **filters: Any
    ) -> None:
        filters = {name: value for name, value in filters.items() if value is not None}
        page = {"sort": direction + sort, "limit": limit, "deleted": deleted}
        expected = sorted(
            (
                task
                for task in (self.bin if deleted else self.model).values()
                if is_in(task, filters)
            ),
            key=lambda task: (sort_key(task, sort), task["id"]),
            reverse=bool(direction),
        )
        found = [task for page in self._pages(httpx.QueryParams(filters | page)) for task in page]
        assert all(("deleted_at" in task) == deleted for task in found)
        assert [without_deletion(task) for task in found] == expected

    @invariant()
    def figures_are_those_of_the_tasks(self) -> None:
        tasks = self.model.values()
        figures = self.client.get("/stats").json()
        by_status = {name: sum(task["status"] == name for task in tasks) for name in STATUSES}
        assert figures["by_status"] == by_status
        assert figures["by_priority"] == {
            name: sum(task["priority"] == name for task in tasks) for name in PRIORITIES
        }
        assert figures["overdue_tasks"] == sum(is_in(task, {"overdue": True}) for task in tasks)
        assert figures["total_tasks"] == len(tasks)

    def _made(self, answer: httpx.Response, body: Fields) -> int:
        expected = settle(DEFAULTS, body)
        if expected is None:
            assert answer.status_code == 422
            return 2**31 - 1  # the id of no task
        task: Fields = answer.json()
        assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
        assert given(task) == given(expected)
        assert task["is_completed"] == expected["is_completed"]
        assert task["owner_id"] == self.user_id
        assert task["id"] not in self.model | self.bin
        self.model[task["id"]], self.versions[task["id"]] = task, 1
        return int(task["id"])

    def _changed(self, task_id: int, changes: Fields, answer: httpx.Response) -> None:
        before = self.model.get(task_id)
        after = settle(before or DEFAULTS, changes)
        if after is None:
            assert answer.status_code == 422
        elif before is None:
            assert answer.status_code == 404
        else:
            task: Fields = answer.json()
            assert given(task) == given(after)
            assert task["is_completed"] == after["is_completed"]
            moved = given(after) != given(before)
            assert moved == (task["updated_at"] > before["updated_at"])
            assert task["created_at"] == before["created_at"]
            self.versions[task_id] += moved
            self.model[task_id] = task
            assert answer.headers["ETag"] == self._known(task_id)[1]

    def _known(self, task_id: int) -> tuple[Fields, str]:
        return self.model[task_id], f'"{self.versions[task_id]}"'

    def _pages(self, query: httpx.QueryParams) -> Iterator[list[Fields]]:
        answer = self.client.get(f"/?{query}")
        yield answer.json()
        while following := answer.links.get("next"):
            answer = self.client.get(following["url"].removeprefix("/api/v1/tasks"))
            yield answer.json()


def test_any_sequence_of_calls_leaves_what_a_dictionary_would_hold(
    ada: httpx.Client, user_ids: Iterator[int]
) -> None:
    class Machine(TaskMachine):
        def __init__(self) -> None:
            super().__init__(ada, next(user_ids))

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
