"""A database that is down, not migrated, or has a role with few rights."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from servicekit.testing.client import running
from servicekit.testing.credentials import bearer
from servicekit.testing.plugin import MakeDatabase
from task_service.app import create_app
from task_service.settings import TaskSettings


def _on(settings: TaskSettings, url: str) -> FastAPI:
    return create_app(TaskSettings(**{**settings.model_dump(), "database_url": SecretStr(url)}))


@pytest.fixture
def cut_off(task_settings: TaskSettings) -> Iterator[httpx.Client]:
    with running(_on(task_settings, "postgresql://postgres@127.0.0.1:1/task")) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("POST", "", {"title": "a"}),
        ("GET", "stats", None),
        ("GET", "1", None),
        ("PUT", "1", {"title": "a"}),
        ("PATCH", "1", {"title": "a"}),
        ("DELETE", "1", None),
        ("PATCH", "1/complete", None),
        ("PATCH", "1/incomplete", None),
        ("POST", "1/restore", None),
    ],
)
def test_without_the_database_every_call_is_a_503(
    cut_off: httpx.Client, method: str, path: str, body: dict[str, str] | None
) -> None:

    answer = cut_off.request(method, f"/api/v1/tasks/{path}", json=body, headers=bearer())

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "127.0.0.1" not in answer.text


def test_without_the_database_the_service_lives_but_is_not_ready(cut_off: httpx.Client) -> None:
    assert cut_off.get("/health").status_code == 503
    assert cut_off.get("/health/live").status_code == 200


def test_without_its_migrations_the_service_is_not_ready(
    task_settings: TaskSettings, make_database: MakeDatabase
) -> None:
    with running(_on(task_settings, make_database("empty"))) as client:
        answer = client.get("/health")

    assert answer.status_code == 503
    statuses = {check["name"]: check["status"] for check in answer.json()["checks"]}
    assert statuses == {"database": "ok", "schema": "failing"}


def test_a_role_that_may_only_touch_rows_is_enough(
    task_settings: TaskSettings, restricted_url: str
) -> None:
    with running(_on(task_settings, restricted_url)) as client:
        client.headers.update(bearer())
        assert client.get("/health").status_code == 200
        headers = {"Idempotency-Key": "k"}
        task = client.post("/api/v1/tasks/", json={"title": "a"}, headers=headers).json()
        path = f"/api/v1/tasks/{task['id']}"
        assert client.patch(f"{path}/complete").status_code == 200
        assert client.get("/api/v1/tasks/?q=a").status_code == 200
        assert client.get("/api/v1/tasks/stats").json()["completed_tasks"] == 1
        assert client.delete(path).status_code == 204
