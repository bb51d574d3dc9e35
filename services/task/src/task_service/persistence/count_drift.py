"""Whether the counts that triggers keep are still those of a recount: a metric.

They always should be. A defect, or rows that were changed without triggers, would make them drift,
and every statistic with them.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from fastapi import FastAPI

from servicekit import metrics
from servicekit.pool import ReadPool, Statement

FIRST_SECONDS = 20.0  # after the start, which has other things to do
SECONDS = 600.0  # between two recounts: one takes 0.3 s for a million tasks
_log = structlog.get_logger(__name__)

# One statement, so it sees one state of both tables.
DIFFERING = Statement(
    """
    SELECT count(*) FROM task_counts AS kept
    FULL JOIN (
        SELECT owner_id, status, priority, count(*) AS tasks FROM tasks
        GROUP BY owner_id, status, priority
    ) AS counted USING (owner_id, status, priority)
    WHERE coalesce(kept.tasks, 0) <> coalesce(counted.tasks, 0)
    """,
    (),
)


class CountDrift:
    """Compares the counts with the tasks."""

    def __init__(self, reads: ReadPool, pause: float = SECONDS) -> None:
        self._reads = reads
        self._pause = pause
        self.differing = math.nan
        """How many counts differ from a recount: NaN before the first, and if the last failed."""

    async def compare(self) -> None:
        """Recount all tasks once. Raises DatabaseUnavailableError, and asyncpg's errors."""
        ((self.differing,),) = await self._reads.fetch(DIFFERING, {})
        if self.differing:
            _log.error("counts of tasks differ from the tasks", counts=self.differing)

    @asynccontextmanager
    async def compared(self, first: float = FIRST_SECONDS) -> AsyncIterator[None]:
        """Compare again and again while the block runs, the first time after `first` seconds."""
        task = asyncio.create_task(self._run(first))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self, first: float) -> None:
        await asyncio.sleep(first)
        while True:
            try:
                await self.compare()
            except Exception as error:  # whatever it was, the next recount may succeed
                self.differing = math.nan  # an old value would say that all is well
                _log.warning("tasks could not be recounted", cause=repr(error.__cause__ or error))
            await asyncio.sleep(self._pause)


def measure(app: FastAPI, drift: CountDrift) -> None:
    """Add the drift to the app's metrics."""
    meaning = "Counts that differ from a recount of the tasks"
    metrics.watch(app, "task_counts_differing", meaning, lambda: drift.differing)
