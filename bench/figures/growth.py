"""The cost of more tasks: in the database, before the requested page, and of one owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from urllib.parse import parse_qs, quote, urlsplit

from bench.databases import OWNER, OWNER_OF_FEW, OWNER_OF_MANY
from bench.figure import Better, Figure, Measure, Pair
from bench.stage import Stage
from bench.wrk import Request, load

CONNECTIONS = 2  # fewer than the service can handle, to measure response times and not a queue
_LIST = "/api/v1/tasks/"


def _time(request: Request, name: str) -> Measure:
    """Return a measurement of response times in seconds: `name` is p50 or p99, a field of Load."""
    request.check()
    time = attrgetter(name)

    def measure(seconds: float) -> float:
        found: float = time(load(request, connections=CONNECTIONS, seconds=seconds))
        return found

    return measure


@contextmanager
def _rows(stage: Stage) -> Iterator[Pair]:
    headers = stage.bearer(OWNER)
    yield Pair(
        ours=_time(Request(stage.many_tasks + _LIST, headers), "p99"),
        reference=_time(Request(stage.tasks + _LIST, headers), "p99"),
    )


@contextmanager
def _pages(stage: Stage) -> Iterator[Pair]:
    headers = stage.bearer(OWNER_OF_MANY)
    first = stage.many_tasks + _LIST
    last = f"{first}?cursor={quote(_last_cursor(first, headers))}"
    yield Pair(
        ours=_time(Request(last, headers), "p50"), reference=_time(Request(first, headers), "p50")
    )


def _last_cursor(url: str, headers: dict[str, str]) -> str:
    """Return the cursor before the last 200 tasks, where a page of 50 is still full."""
    cursor, following = "", "?limit=200"
    while following:
        answer = Request(url + following, headers).check()
        query = urlsplit(answer.links["next"]["url"]).query if "next" in answer.links else ""
        if query:
            (cursor,) = parse_qs(query)["cursor"]
        following = query and f"?{query}"
    return cursor


@contextmanager
def _counts(stage: Stage) -> Iterator[Pair]:
    url = f"{stage.many_tasks}/api/v1/tasks/stats"
    yield Pair(
        ours=_time(Request(url, stage.bearer(OWNER_OF_MANY)), "p50"),
        reference=_time(Request(url, stage.bearer(OWNER_OF_FEW)), "p50"),
    )


FIGURES = [
    Figure(3, "list p99 with 1,000,000 rows", "with 1,000 rows", Better.LOWER, 1.2, _rows),
    Figure(4, "last page of 200,000 tasks, p50", "the first page", Better.LOWER, 1.1, _pages),
    Figure(5, "stats p50, owner of 200,000", "owner of 10", Better.LOWER, 1.1, _counts),
]
