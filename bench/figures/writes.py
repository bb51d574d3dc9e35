"""What a change of a task costs, against the least that could make it."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.databases import WRITER, WRITTEN
from bench.figure import Better, Figure, Pair
from bench.figures.reads import PEER, rate
from bench.stage import Stage
from bench.workload import TASK, TASKS
from bench.wrk import Request


@contextmanager
def _create(stage: Stage) -> Iterator[Pair]:
    headers = {**stage.bearer(WRITER), "Content-Type": "application/json"}
    yield Pair(
        ours=rate(Request(stage.tasks + TASKS, headers, TASK, method="POST")),
        reference=rate(Request(stage.peer + TASKS, headers, TASK, method="POST")),
    )


@contextmanager
def _complete(stage: Stage) -> Iterator[Pair]:
    path, headers = f"{TASKS}{{id}}/complete", stage.bearer(WRITER)
    yield Pair(
        ours=rate(Request(stage.tasks + path, headers, method="PATCH", ids=WRITTEN)),
        reference=rate(Request(stage.peer + path, headers, method="PATCH", ids=WRITTEN)),
    )


FIGURES = [
    Figure(13, "tasks created per second, with auth", PEER, Better.HIGHER, 0.60, _create),
    Figure(13, "tasks completed per second, with auth", PEER, Better.HIGHER, 0.60, _complete),
]
