"""The cost of reading one task and a page of tasks, compared with a minimal service."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.databases import OWNER
from bench.figure import Better, Figure, Measure, Pair
from bench.processor import Metered, Programs
from bench.stage import Stage
from bench.wrk import Request, load

CONNECTIONS = 16
PEER = "bare Starlette + psycopg 3, same SQL, no auth"


def rate(request: Request, programs: Programs) -> Measure:
    """Return a measurement in requests per second. Raises BenchError if the request fails.

    It also measures the processor time of the programs that serve the request.
    """
    request.check()
    return Metered(
        lambda seconds: load(request, connections=CONNECTIONS, seconds=seconds), programs
    )


def _against_peer(stage: Stage, path: str) -> Pair:
    headers = stage.bearer(OWNER)
    return Pair(
        ours=rate(Request(f"{stage.tasks}/api/v1/tasks/{path}", headers), stage.task_programs),
        reference=rate(Request(f"{stage.peer}/api/v1/tasks/{path}", headers), stage.peer_programs),
    )


@contextmanager
def _one(stage: Stage) -> Iterator[Pair]:
    yield _against_peer(stage, "500")


@contextmanager
def _page(stage: Stage) -> Iterator[Pair]:
    yield _against_peer(stage, "")


FIGURES = [
    Figure(1, "requests/s for one task, with auth", PEER, Better.HIGHER, 0.70, _one),
    Figure(2, "requests/s for a list of 50, with auth", PEER, Better.HIGHER, 0.90, _page),
]
