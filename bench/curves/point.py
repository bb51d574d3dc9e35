"""One point of a curve: a load, and the connections that PostgreSQL has during it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from threading import Event, Thread
from typing import Any

import psycopg

from bench import wrk
from bench.wrk import Request

_POLL_SECONDS = 0.05
_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""

Watch = psycopg.Connection[Any]
"""A connection to PostgreSQL, made before the loads: they may leave none to others."""


@dataclass(frozen=True)
class Point:
    """The result of a load. `p99` is in seconds; `connections` is the most that were seen.

    `refused` is the number of answers with an error, which `rate` does not count, and of instances
    without any answer. A curve may go to where there are some.
    """

    x: int
    rate: float
    p99: float
    connections: int
    refused: int


def measure(
    x: int, requests: Sequence[Request], clients: int, seconds: float, postgres: Watch
) -> Point:
    """Repeat several requests at the same time. The clients are shared out among them.

    With several requests, `p99` is that of the slowest. Raises BenchError if a connection broke or
    an answer was late.
    """
    with _watched(postgres) as seen:
        share = clients // len(requests)
        loads = [wrk.start(each, connections=share, seconds=seconds) for each in requests]
        reports = [wrk.report(each) for each in loads]
    refused = sum(each["refused"] or not each["requests"] for each in reports)
    served = [
        {**each, "requests": each["requests"] - each["refused"], "refused": 0} for each in reports
    ]
    found = [wrk.read(each) for each in served if each["requests"]]
    return Point(
        x,
        rate=sum(each.rate for each in found),
        p99=max((each.p99 for each in found), default=seconds),
        connections=max(seen),
        refused=refused,
    )


def middle(points: Sequence[Point]) -> Point:
    """Return one point for several with the same x: medians, the most connections, all refusals."""
    return Point(
        points[0].x,
        rate=median(each.rate for each in points),
        p99=median(each.p99 for each in points),
        connections=max(each.connections for each in points),
        refused=sum(each.refused for each in points),
    )


@contextmanager
def _watched(postgres: Watch) -> Iterator[list[int]]:
    """Count the connections again and again during the block."""
    seen: list[int] = []
    ended = Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS) or not seen:
            row = postgres.execute(_CONNECTIONS).fetchone()
            seen.extend(row or ())

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
