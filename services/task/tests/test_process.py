"""The real process on loopback: many clients at once, and its end while they are at work."""

import os
import random
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import NullPool, create_engine, text

from servicekit.settings import psycopg2_url
from servicekit.testing import process
from servicekit.testing.credentials import SECRET, bearer
from servicekit.testing.plugin import MakeDatabase
from servicekit.testing.waiting import eventually

CLIENTS = 5
CALLS = 100  # of each client
STATUSES = ("todo", "in_progress", "done")
PRIORITIES = ("low", "medium", "high")


@pytest.fixture
def database_url(make_database: MakeDatabase) -> str:
    url = make_database("process")
    process.run("task_service", "migrate", DATABASE_URL=url)
    return url


@pytest.fixture
def started(database_url: str) -> Iterator[process.Started]:
    key = SECRET
    with process.started("task_service", DATABASE_URL=database_url, SECRET_KEY=key) as started:
        yield started


def client(address: str) -> httpx.Client:
    return httpx.Client(base_url=f"{address}/api/v1/tasks", headers=bearer(), timeout=30)


def fields(chance: random.Random) -> dict[str, Any]:
    due = chance.choice((None, "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"))
    chosen = {"status": chance.choice(STATUSES), "priority": chance.choice(PRIORITIES)}
    return {"title": "a", "due_date": due, **chosen}


def call(tasks: httpx.Client, chance: random.Random, ids: list[int]) -> int:
    """Make one random call on any task of any client. Return its status."""
    if not ids or chance.random() < 0.4:
        answer = tasks.post("/", json=fields(chance))
        ids.append(answer.json()["id"])
        return answer.status_code
    path = f"/{chance.choice(ids)}"
    match chance.choice(("change", "complete", "incomplete", "delete", "restore")):
        case "change":
            return tasks.patch(path, json=fields(chance)).status_code
        case "delete":
            return tasks.delete(path).status_code
        case "restore":
            return tasks.post(f"{path}/restore").status_code
        case done:
            return tasks.patch(f"{path}/{done}").status_code


def recount(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what /stats must answer for these tasks."""
    done = sum(row["status"] == "done" for row in rows)
    now = datetime.now(UTC)
    late = [row for row in rows if row["due_date"] and row["due_date"] < now]
    return {
        "total_tasks": len(rows),
        "completed_tasks": done,
        "pending_tasks": len(rows) - done,
        "completion_percentage": round(100 * done / len(rows), 2),
        "overdue_tasks": sum(row["status"] != "done" for row in late),
        "by_status": dict.fromkeys(STATUSES, 0) | Counter(row["status"] for row in rows),
        "by_priority": dict.fromkeys(PRIORITIES, 0) | Counter(row["priority"] for row in rows),
    }


def test_the_statistics_are_a_recount_after_500_calls_of_clients_at_once(
    started: process.Started, database_url: str
) -> None:
    ids: list[int] = []

    def work(number: int) -> Counter[int]:
        chance = random.Random(number)
        with client(started.address) as tasks:
            return Counter(call(tasks, chance, ids) for _ in range(CALLS))

    with ThreadPoolExecutor(CLIENTS) as threads:
        statuses = sum(threads.map(work, range(CLIENTS)), Counter[int]())

    # 404: another client has deleted the task.
    assert statuses.total() == CLIENTS * CALLS
    assert statuses.keys() == {200, 201, 204, 404}
    with client(started.address) as tasks:
        statistics = tasks.get("/stats").json()
        page = tasks.get("/?limit=200")
    assert statistics == recount(stored(database_url))
    assert "next" not in page.links
    listed = page.json()
    for task in listed:
        task["due_date"] = task["due_date"] and datetime.fromisoformat(task["due_date"])
    assert statistics == recount(listed)


def stored(database_url: str) -> list[dict[str, Any]]:
    engine = create_engine(psycopg2_url(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT status::text, priority::text, due_date FROM tasks"))
        return [dict(row) for row in rows.mappings()]


def test_what_is_in_flight_at_a_sigterm_is_answered(
    started: process.Started, database_url: str
) -> None:
    engine = create_engine(psycopg2_url(database_url), poolclass=NullPool)
    with client(started.address) as tasks, engine.connect() as holding:
        # Until this is committed, each creation waits inside the database.
        holding.execute(text("LOCK TABLE tasks IN EXCLUSIVE MODE"))
        with ThreadPoolExecutor(CLIENTS) as threads:
            creations = [
                threads.submit(tasks.post, "/", json={"title": "in flight"}) for _ in range(CLIENTS)
            ]
            wait_for_waiting(engine.url.render_as_string(hide_password=False), CLIENTS)
            os.kill(started.process.pid, signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                started.process.wait(0.5)
            holding.commit()
            answers = [creation.result() for creation in creations]

    assert [answer.status_code for answer in answers] == [201] * CLIENTS
    assert started.process.wait(20) in (0, -signal.SIGTERM)
    assert len(stored(database_url)) == CLIENTS


def test_clients_that_leave_during_a_write_take_no_connection_with_them(database_url: str) -> None:
    engine = create_engine(psycopg2_url(database_url), poolclass=NullPool)
    settings = {"DATABASE_URL": database_url, "DATABASE_POOL_SIZE": "2", "SECRET_KEY": SECRET}
    with process.started("task_service", **settings) as started:
        with engine.connect() as holding:
            holding.execute(text("LOCK TABLE tasks IN EXCLUSIVE MODE"))
            leaving = [post_without_waiting(started.address, f"left {n}") for n in range(2)]
            wait_for_waiting(engine.url.render_as_string(hide_password=False), 2)
            for each in leaving:
                each.close()
            holding.rollback()
        with client(started.address) as tasks:
            answers = [tasks.post("/", json={"title": f"stayed {n}"}) for n in range(10)]
            assert [answer.status_code for answer in answers] == [201] * 10
            # The writes of those who left are complete, too.
            assert len(tasks.get("/").json()) == 12


def post_without_waiting(address: str, title: str) -> socket.socket:
    url = httpx.URL(address)
    body = f'{{"title": "{title}"}}'
    headers = {
        "Host": url.host,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **bearer(),
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    connection = socket.create_connection((url.host, url.port or 80))
    connection.sendall(f"POST /api/v1/tasks/ HTTP/1.1\r\n{''.join(lines)}\r\n{body}".encode())
    return connection


def wait_for_waiting(url: str, number: int) -> None:
    """Wait until this number of statements wait for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as asking:
        eventually(lambda: asking.execute(waiting).scalar_one() >= number, 60)
