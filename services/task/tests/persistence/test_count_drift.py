"""The drift of the counts: found where triggers did not see a change, and in the metrics."""

import asyncio
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from prometheus_client import generate_latest
from sqlalchemy import Engine, text

from servicekit import metrics
from servicekit.pool import ReadPool
from servicekit.testing.waiting import eventually
from task_service.persistence.count_drift import CountDrift, measure
from task_service.settings import TaskSettings

pytestmark = pytest.mark.anyio

WITHOUT_TRIGGERS = text("SET LOCAL session_replication_role = replica")
OWNERS = (3_000_001, 3_000_002)  # no other test's
LIMIT_SECONDS = 30


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
