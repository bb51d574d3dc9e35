"""The drift of the counts: found where triggers did not see a change, and in the metrics."""

import asyncio
import math
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from prometheus_client import generate_latest
from pydantic import SecretStr
from sqlalchemy import Engine, text

from servicekit import metrics, migrate
from servicekit.pool import ReadPool
from servicekit.testing.credentials import SECRET
from servicekit.testing.plugin import MakeDatabase
from servicekit.testing.waiting import eventually
from task_service import MIGRATIONS
from task_service.persistence.count_drift import CountDrift, measure
from task_service.settings import TaskSettings

pytestmark = pytest.mark.anyio

WITHOUT_TRIGGERS = text("SET LOCAL session_replication_role = replica")
OWNERS = (3_000_001, 3_000_002)  # no other test's
LIMIT_SECONDS = 120


def without_triggers(database: Engine, statement: str) -> None:
    with database.begin() as connection:
        connection.execute(WITHOUT_TRIGGERS)
        for owner in OWNERS:
            connection.execute(text(statement), {"owner": owner})


@pytest.fixture
def unseen(database: Engine) -> Iterator[None]:
    """Have a task of each owner that no trigger has seen."""
    without_triggers(database, "INSERT INTO tasks (title, owner_id) VALUES ('unseen', :owner)")
    yield
    without_triggers(database, "DELETE FROM tasks WHERE owner_id = :owner")


async def test_counts_without_drift_differ_nowhere(
    task_settings: TaskSettings, database: Engine
) -> None:
    with database.begin() as connection:
        connection.execute(text("INSERT INTO tasks (title, owner_id) VALUES ('seen', 3000003)"))
    async with ReadPool(task_settings) as reads:
        drift = CountDrift(reads)
        await drift.compare()
    assert drift.differing == 0


async def test_each_count_that_differs_is_counted_and_the_metric_says_it(
    task_settings: TaskSettings, unseen: None
) -> None:
    app = FastAPI(version="1")
    metrics.install(app)

    def said() -> str:
        lines = generate_latest(app.state.metrics).decode().splitlines()
        return next(line for line in lines if line.startswith("task_counts_differing "))

    reads = ReadPool(task_settings)
    drift = CountDrift(reads)
    measure(app, drift)
    async with reads, drift.compared(first=0.0):
        await asyncio.to_thread(eventually, lambda: not said().endswith(" NaN"), LIMIT_SECONDS)
        assert said() == f"task_counts_differing {float(len(OWNERS))}"


async def test_a_recount_that_fails_is_logged_and_the_next_one_counts(
    make_database: MakeDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_database("recount")  # without tables at first
    settings = TaskSettings(database_url=SecretStr(url), secret_key=SecretStr(SECRET))
    reads = ReadPool(settings)
    drift = CountDrift(reads, pause=0.1)
    drift.differing = 7.0  # of an earlier recount
    async with reads, drift.compared(first=0.0):
        await asyncio.to_thread(eventually, lambda: math.isnan(drift.differing), LIMIT_SECONDS)
        assert "UndefinedTableError" in capsys.readouterr().out
        await asyncio.to_thread(migrate.upgrade, url, MIGRATIONS)
        await asyncio.to_thread(eventually, lambda: drift.differing == 0, LIMIT_SECONDS)


async def test_an_old_count_does_not_stay_when_the_database_has_gone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nowhere = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
    reads = ReadPool(TaskSettings(database_url=nowhere, secret_key=SecretStr(SECRET)))
    drift = CountDrift(reads)
    drift.differing = 0.0
    async with reads, drift.compared(first=0.0):
        await asyncio.to_thread(eventually, lambda: math.isnan(drift.differing), LIMIT_SECONDS)
    assert "tasks could not be recounted" in capsys.readouterr().out
