"""The cost of the stats service, compared with the call that it makes to the task service."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.databases import OWNER
from bench.figure import Better, Figure, Pair
from bench.figures.reads import rate
from bench.stage import Stage
from bench.wrk import Request


@contextmanager
def _through_stats(stage: Stage) -> Iterator[Pair]:
    headers = stage.bearer(OWNER)
    yield Pair(
        ours=rate(
            Request(f"{stage.statistics}/api/v1/stats/", headers),
            {"stats-service": stage.pid(stage.statistics), **stage.task_programs},
        ),
        reference=rate(Request(f"{stage.tasks}/api/v1/tasks/stats", headers), stage.task_programs),
    )


FIGURES = [
    Figure(
        6,
        "stats-service requests/s",
        "the task-service counts that it calls",
        Better.HIGHER,
        0.60,
        _through_stats,
    )
]
