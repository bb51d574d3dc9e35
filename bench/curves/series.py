"""What grows: the rows in the table, the instances of the task service, and the clients."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench import databases
from bench.curves import point
from bench.curves.point import Point
from bench.databases import OWNER, WRITER
from bench.stage import Stage
from bench.workload import TASK, TASKS
from bench.wrk import Request

Series = dict[str, list[Point]]
"""The points of each line in a picture."""

CONNECTIONS = 16
MANY = 160
"""Clients for several instances: with eight, each instance can use all connections it may have."""

LIST, MIXED = "list of 50", "half lists, half creates"
READS = {LIST: "", "one task": "500"}  # the path of each, below that of the tasks
OWNERS_TASKS = 1_000
_FIRST_OTHER = 1_000  # the id of an owner whose tasks only make the table larger


@dataclass(frozen=True)
class Effort:
    """How long to measure: the seconds of a load, and the loads for a point."""

    seconds: float
    rounds: int


def rows(stage: Stage, sizes: Sequence[int], effort: Effort) -> Series:
    """Measure reads of an owner of 1,000 tasks, while the table grows by the tasks of others."""
    url = databases.create_tasks(stage.server, "growing", {OWNER: OWNERS_TASKS})
    series: Series = {name: [] for name in READS}
    with stage.task_service(url) as address:
        there = OWNERS_TASKS
        for size in sizes:
            owners = range(
                _FIRST_OTHER + there // OWNERS_TASKS, _FIRST_OTHER + size // OWNERS_TASKS
            )
            databases.add_tasks(url, owners, OWNERS_TASKS)
            there = size
            for name, path in READS.items():
                requests = [_read(stage, address, path)]
                measured = _point(stage, size, requests, clients=CONNECTIONS, effort=effort)
                series[name].append(measured)
    return series


def instances(stage: Stage, numbers: Sequence[int], effort: Effort) -> Series:
    """Measure reads, and reads with writes, at several instances on one database."""
    url = databases.create_tasks(stage.server, "shared", {OWNER: OWNERS_TASKS, WRITER: 1})
    series: Series = {LIST: [], MIXED: []}
    for number in numbers:
        with ExitStack() as stack:
            addresses = [stack.enter_context(stage.task_service(url)) for _ in range(number)]
            reads = [_read(stage, address, "") for address in addresses]
            writes = [_create(stage, address) for address in addresses]
            for name, requests in ((LIST, reads), (MIXED, [*reads, *writes])):
                measured = _point(stage, number, requests, clients=MANY, effort=effort)
                series[name].append(measured)
    return series


def clients(stage: Stage, numbers: Sequence[int], effort: Effort) -> Series:
    """Measure one instance that more and more clients read from at the same time."""
    url = databases.create_tasks(stage.server, "read", {OWNER: OWNERS_TASKS})
    series: Series = {}
    for name, path in READS.items():
        # A new instance each time: an old one keeps the connections that it once needed.
        with stage.task_service(url) as address:
            requests = [_read(stage, address, path)]
            series[name] = [
                _point(stage, number, requests, clients=number, effort=effort) for number in numbers
            ]
    return series


def _point(
    stage: Stage, x: int, requests: Sequence[Request], *, clients: int, effort: Effort
) -> Point:
    """Measure a point several times."""
    for request in requests:
        request.check()
    points = [
        point.measure(x, requests, clients, effort.seconds, stage.watch)
        for _ in range(effort.rounds)
    ]
    return point.middle(points)


def _read(stage: Stage, address: str, path: str) -> Request:
    return Request(f"{address}{TASKS}{path}", stage.bearer(OWNER))


def _create(stage: Stage, address: str) -> Request:
    headers = {**stage.bearer(WRITER), "Content-Type": "application/json"}
    return Request(address + TASKS, headers, TASK, method="POST")
