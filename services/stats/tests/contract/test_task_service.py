"""What this service, a consumer, relies on, held against what the task service promises and does.

The promise is its checked-in openapi.json; the deeds are those of the real application.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from servicekit.testing.credentials import bearer
from stats_service.clients.task_service import TaskCounts

PATH = "/api/v1/tasks/stats"
PROMISE: dict[str, Any] = json.loads((Path(__file__).parents[3] / "task/openapi.json").read_text())
OPERATION: dict[str, Any] = PROMISE["paths"][PATH]["get"]


def _promised() -> dict[str, Any]:
    """Return the schema of the answer."""
    schema = OPERATION["responses"]["200"]["content"]["application/json"]["schema"]
    name = schema["$ref"].removeprefix("#/components/schemas/")
    promised: dict[str, Any] = PROMISE["components"]["schemas"][name]
    return promised


def test_the_promise_is_the_real_applications(task_app: FastAPI) -> None:
    assert task_app.openapi() == PROMISE


def test_the_call_takes_a_bearer_token_and_nothing_else() -> None:
    [requirement] = OPERATION["security"]
    [scheme] = (PROMISE["components"]["securitySchemes"][name] for name in requirement)

    assert (scheme["type"], list(scheme["flows"])) == ("oauth2", ["password"])
    assert "requestBody" not in OPERATION
    assert not any(parameter["required"] for parameter in OPERATION.get("parameters", []))


@pytest.mark.parametrize("field", TaskCounts.model_fields)
def test_every_figure_that_is_relied_on_is_promised(field: str) -> None:
    promised = _promised()["properties"][field]
    relied_on = TaskCounts.model_json_schema()["properties"][field]

    assert field in _promised()["required"]
    assert promised["type"] == relied_on["type"]
    if promised["type"] == "object":
        kinds = (each["additionalProperties"]["type"] for each in (promised, relied_on))
        assert set(kinds) == {"integer"}


@pytest.mark.parametrize("tasks", [[], [{"status": "done"}], [{"due_date": "2001-01-01"}] * 3])
def test_the_real_answers_are_figures(tasks_url: str, tasks: list[dict[str, str]]) -> None:
    headers = bearer(100 + len(tasks))
    for fields in tasks:
        httpx.post(f"{tasks_url}/api/v1/tasks/", json={"title": "a", **fields}, headers=headers)

    answer = httpx.get(f"{tasks_url}{PATH}", headers=headers, timeout=60)

    assert answer.headers["content-type"] == "application/json"
    assert TaskCounts.model_validate_json(answer.content).total_tasks == len(tasks)


def test_the_real_refusal_of_a_token_is_the_status_that_is_passed_on(tasks_url: str) -> None:
    refused = httpx.get(f"{tasks_url}{PATH}", headers={"Authorization": "Bearer x"}, timeout=60)

    assert refused.status_code == 401
    assert "401" in OPERATION["responses"]
