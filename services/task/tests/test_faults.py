"""A database that is down, restarts, is busy, not migrated, or has a role with few rights."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import SecretStr

from servicekit import migrate
from servicekit import pool as pools
from servicekit.settings import psycopg2_url
from servicekit.testing.client import running
from servicekit.testing.credentials import bearer
from servicekit.testing.gate import gate
from servicekit.testing.plugin import MakeDatabase
from servicekit.testing.waiting import eventually
from task_service import MIGRATIONS
from task_service.app import create_app
from task_service.settings import TaskSettings

CHANGES = [
    ("POST", "", {"title": "a"}),
    ("PUT", "1", {"title": "a"}),
    ("PATCH", "1", {"title": "a"}),
    ("DELETE", "1", None),
    ("PATCH", "1/complete", None),
    ("PATCH", "1/incomplete", None),
    ("POST", "1/restore", None),
]
WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
KILL = sa.text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def _on(settings: TaskSettings, url: str, pool_size: int = 10) -> FastAPI:
    changed = {"database_url": SecretStr(url), "database_pool_size": pool_size}
    return create_app(TaskSettings(**{**settings.model_dump(), **changed}))


@pytest.fixture
def cut_off(task_settings: TaskSettings) -> Iterator[httpx.Client]:
    with running(_on(task_settings, "postgresql://postgres@127.0.0.1:1/task")) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "stats", None),
        ("GET", "1", None),
        *CHANGES,
    ],
)
def test_without_the_database_every_call_is_a_503(
    cut_off: httpx.Client, method: str, path: str, body: dict[str, str] | None
) -> None:

    answer = cut_off.request(method, f"/api/v1/tasks/{path}", json=body, headers=bearer())

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "127.0.0.1" not in answer.text


def test_without_the_database_a_creation_with_a_key_is_a_503(cut_off: httpx.Client) -> None:
    headers = bearer() | {"Idempotency-Key": "k"}

    answer = cut_off.post("/api/v1/tasks/", json={"title": "a"}, headers=headers)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.fixture
def own(make_database: MakeDatabase) -> Iterator[sa.Engine]:
    """Yield a migrated database that no other test has."""
    url = psycopg2_url(make_database("own"))
    migrate.upgrade(url, MIGRATIONS)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    yield engine
    engine.dispose()


def _url(database: sa.Engine) -> str:
    return database.url.render_as_string(hide_password=False)


def _wait_for_waiting(database: sa.Engine, number: int) -> None:
    def is_reached() -> bool:
        with database.connect() as connection:
            return bool(connection.scalar(WAITING) == number)

    eventually(is_reached, 60)


def test_a_restart_of_the_database_between_two_writes_costs_none_of_them(
    task_settings: TaskSettings, own: sa.Engine
) -> None:
    with running(_on(task_settings, _url(own))) as client:
        client.headers.update(bearer())
        for number in range(3):
            task = client.post("/api/v1/tasks/", json={"title": str(number)})
            assert task.status_code == 201
            with own.connect() as connection:
                assert connection.execute(KILL).all() != []
            answer = client.patch(f"{task.headers['Location']}/complete")
            assert answer.status_code == 200

        assert client.get("/api/v1/tasks/stats").json()["completed_tasks"] == 3


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_while_every_connection_waits_for_a_lock_a_write_is_a_503_and_a_read_is_answered(
    task_settings: TaskSettings,
    own: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    body: dict[str, str] | None,
) -> None:
    with running(_on(task_settings, _url(own), pool_size=1)) as client:
        client.headers.update(bearer())
        assert client.post("/api/v1/tasks/", json={"title": "a"}).status_code == 201
        assert client.get("/api/v1/tasks/1").status_code == 200  # reads have their connection
        with own.connect() as holding, ThreadPoolExecutor(1) as thread:
            holding.execute(sa.text("LOCK TABLE tasks IN EXCLUSIVE MODE"))
            first = thread.submit(client.post, "/api/v1/tasks/", json={"title": "b"})
            _wait_for_waiting(own, 1)
            monkeypatch.setattr(pools, "POOL_TIMEOUT", 0.1)

            refused = client.request(method, f"/api/v1/tasks/{path}", json=body)
            read = client.get("/api/v1/tasks/1")
            holding.rollback()

        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert refused.json()["type"] == "/problems/database-unavailable"
        assert (read.status_code, first.result().status_code) == (200, 201)
        assert client.post("/api/v1/tasks/", json={"title": "c"}).status_code == 201


def test_a_write_whose_connection_is_lost_is_a_503_and_is_not_done_twice(
    task_settings: TaskSettings, own: sa.Engine
) -> None:
    with (
        gate(_url(own)) as way,
        running(_on(task_settings, way.url)) as client,
        ThreadPoolExecutor(1) as thread,
    ):
        client.headers.update(bearer())
        with own.connect() as holding:
            holding.execute(sa.text("LOCK TABLE tasks IN EXCLUSIVE MODE"))
            write = thread.submit(client.post, "/api/v1/tasks/", json={"title": "a"})
            _wait_for_waiting(own, 1)
            way.cut()
            answer = write.result(10)
            holding.execute(KILL)
            holding.rollback()

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert client.get("/api/v1/tasks/").json() == []


def test_a_write_that_a_stopping_database_ends_is_done_once_when_it_is_back(
    task_settings: TaskSettings, own: sa.Engine
) -> None:
    with running(_on(task_settings, _url(own))) as client, ThreadPoolExecutor(1) as thread:
        client.headers.update(bearer())
        with own.connect() as holding:
            holding.execute(sa.text("LOCK TABLE tasks IN EXCLUSIVE MODE"))
            write = thread.submit(client.post, "/api/v1/tasks/", json={"title": "a"})
            _wait_for_waiting(own, 1)
            holding.execute(KILL)
            _wait_for_waiting(own, 1)
            holding.rollback()

        assert write.result(10).status_code == 201
        assert len(client.get("/api/v1/tasks/").json()) == 1


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
