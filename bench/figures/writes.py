"""What a change of a task costs, against the least that could make it."""

from collections.abc import Callable, Iterator
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

    def to(address: str) -> Request:
        return Request(address + TASKS, headers, TASK, method="POST")

    yield _against_peer(stage, to)


@contextmanager
def _complete(stage: Stage) -> Iterator[Pair]:
    path, headers = f"{TASKS}{{id}}/complete", stage.bearer(WRITER)

    def to(address: str) -> Request:
        return Request(address + path, headers, method="PATCH", ids=WRITTEN)

    yield _against_peer(stage, to)


def _against_peer(stage: Stage, to: Callable[[str], Request]) -> Pair:
    return Pair(
        ours=rate(to(stage.tasks), stage.task_programs),
        reference=rate(to(stage.peer), stage.peer_programs),
    )


FIGURES = [
    Figure(13, "tasks created per second, with auth", PEER, Better.HIGHER, 0.60, _create),
    Figure(13, "tasks completed per second, with auth", PEER, Better.HIGHER, 0.60, _complete),
]
