"""The entries of logs: lines that belong together, and all logs in the order of time."""

import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from tasktracker_cluster.records import formats, log_files
from tasktracker_cluster.records.conditions import Conditions
from tasktracker_cluster.records.log_files import Log
from tasktracker_cluster.records.record import Origin, Record

# The lines of several processes or threads in one log may be a little out of order.
WINDOW = 100


def search(
    logs: Iterable[Log], conditions: Conditions, stored: Iterable[Iterator[Record]] = ()
) -> Iterator[Record]:
    """Yield the records of all logs that meet the conditions, in the order of time.

    `stored` are those of further logs, which meet them already.
    """
    wanted = [log.since(conditions.since) for log in logs if conditions.concern(log.origin)]
    found = [filter(conditions.meets, records(log, conditions)) for log in wanted if log.files]
    return heapq.merge(*map(ordered, (*found, *stored)), key=lambda record: record.order)


def records(log: Log, conditions: Conditions) -> Iterator[Record]:
    """Yield the records of a log that may meet the conditions, in the order of its lines.

    One that does not say when has the time of the one before it, or of the file's last change.
    """
    time = log_files.changed(log.files[0]) or datetime.now(UTC)
    for text in joined(lines(log.files)):
        if conditions.may_meet(text):
            said = formats.read(text)
            time = said.time or time
            yield record(log.origin, time, said)


def record(origin: Origin, time: datetime, said: formats.Said) -> Record:
    """Return what an entry of a log says as a record."""
    fields = {name: value for name, value in said.fields.items() if name != "service"}
    return Record(time, origin, said.level, said.event, fields)


def joined(lines: Iterable[str]) -> Iterator[str]:
    """Join the lines of each entry."""
    entry: list[str] = []
    for line in lines:
        if entry and not formats.is_continuation(line):
            yield "\n".join(entry)
            entry = []
        entry.append(line)
    if entry:
        yield "\n".join(entry)


def lines(files: Iterable[Path]) -> Iterator[str]:
    """Yield the whole lines of a log. A file that is gone has none.

    A line may begin in one file and end in the next.
    """
    begun = ""
    for file in files:
        try:
            with file.open(errors="replace", newline="\n") as opened:
                for line in opened:
                    begun += line
                    if begun.endswith("\n"):
                        if len(begun) > 1:
                            yield begun[:-1]
                        begun = ""
        except FileNotFoundError:
            begun = ""


def ordered(records: Iterable[Record]) -> Iterator[Record]:
    """Sort the records of one log, which are nearly in order."""
    heap: list[tuple[tuple[object, ...], int, Record]] = []
    for number, each in enumerate(records):
        item = (each.order, number, each)
        if len(heap) < WINDOW:
            heapq.heappush(heap, item)
        else:
            yield heapq.heappushpop(heap, item)[2]
    while heap:
        yield heapq.heappop(heap)[2]
