"""PostgreSQL writes the answers: these hold them to the shapes that the OpenAPI document gives."""

from typing import Any

import httpx
import pytest
from pydantic import BaseModel, TypeAdapter

from task_service.api.schemas import DeletedTaskOut, StatisticsOut, TaskOut

FULL = {
    "title": '"quotes", \\ and \u2028 ☃',
    "description": "\x01\t\n",
    "due_date": "0001-01-01",
    "status": "done",
    "priority": "high",
}


def _assert_exactly(model: type[BaseModel], answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "application/json"
    model.model_validate_json(answer.content, strict=True)
    assert answer.json().keys() == model.model_fields.keys()


@pytest.mark.parametrize("fields", [{"title": "a"}, FULL], ids=["least", "most"])
def test_every_call_answers_a_whole_task(ada: httpx.Client, fields: dict[str, Any]) -> None:
    made = ada.post("/", json=fields)
    path = f"/{made.json()['id']}"

    for answer in (
        made,
        ada.get(path),
        ada.put(path, json={"priority": "low"}),
        ada.patch(path, json={"priority": "high"}),
        ada.patch(f"{path}/complete"),
        ada.patch(f"{path}/incomplete"),
        ada.post(f"{path}/restore"),
    ):
        _assert_exactly(TaskOut, answer)


def test_a_list_is_an_array_of_the_same_tasks(ada: httpx.Client) -> None:
    made = [ada.post("/", json=fields).json() for fields in (FULL, {"title": "a"})]

    answer = ada.get("/")

    assert answer.json() == made[::-1]
    TypeAdapter(list[TaskOut]).validate_json(answer.content, strict=True)


def test_a_list_of_deleted_tasks_has_the_time_of_deletion_too(ada: httpx.Client) -> None:
    for fields in (FULL, {"title": "a"}):
        ada.delete(f"/{ada.post('/', json=fields).json()['id']}")

    answer = ada.get("/", params={"deleted": True})

    tasks = TypeAdapter(list[DeletedTaskOut]).validate_json(answer.content, strict=True)
    assert len(tasks) == 2
    assert all(task.keys() == DeletedTaskOut.model_fields.keys() for task in answer.json())


def test_statistics_have_their_shape(ada: httpx.Client) -> None:
    ada.post("/", json=FULL)

    _assert_exactly(StatisticsOut, ada.get("/stats"))
