"""The records in VictoriaLogs: those of files that are gone, when `observe` stores logs."""

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError
from tasktracker_cluster.records import entries, formats, links, victoria_logs
from tasktracker_cluster.records.conditions import Conditions
from tasktracker_cluster.records.record import LEVELS, Origin, Record

Span = tuple[datetime, datetime]  # from the first on, before the second

ROWS = 2000  # of each file in memory, or those of one hour
HOUR = timedelta(hours=1)
# Fields that are not the line's own.
OWN = ("_msg", "_stream", "_stream_id", "_time", "file")
NO_MESSAGE = "-"  # of a line of JSON (nomad/jobs/logs.nomad.hcl)
# The text of a number may change in the store: 2.51 can come back as 2.5100000000000002, 9.0 as 9.
CHANGED = re.compile(r"-?\d+\.(\d{10,}|0)")


def of_gone_files(
    cluster: Cluster, conditions: Conditions, lines: int | None, failures: list[AdminError]
) -> list[Iterator[Record]]:
    """Return the records of each stored log whose file is gone, none when nothing is stored.

    `lines` as in `search`. An error of the store ends all of them, and is added to `failures`.
    """
    site = cluster.site
    if not site.log_links.exists():
        return []  # `observe` does not run
    try:
        known = links.origins(links.files(cluster.logs))
        gone = {link: origin for link, origin in known.items() if not links.has_file(site, link)}
        found = search(cluster.logs, links.named(cluster.logs, gone), conditions, lines)
    except AdminError as error:
        failures.append(error)
        return []
    return [_until_failure(records, failures) for records in found]


def _until_failure(records: Iterator[Record], failures: list[AdminError]) -> Iterator[Record]:
    try:
        while not failures and (record := next(records, None)):
            yield record
    except AdminError as error:
        failures.append(error)


def search(
    store: Api,
    origins: Mapping[Path, Origin],
    conditions: Conditions,
    lines: int | None = None,
) -> list[Iterator[Record]]:
    """Return the records of each of these files that meet the conditions, as they were logged.

    With `lines` at least so many of the last ones, if there are. Raises ApiError when it does not
    answer, also later: the records are read while they are used.
    """
    wanted = {path: origin for path, origin in origins.items() if conditions.concern(origin)}
    if not wanted:
        return []
    return [
        _in_file(store, path, wanted[path], conditions, spans, lines)
        for path, spans in _spans(store, wanted, conditions).items()
    ]


def _in_file(
    store: Api,
    path: Path,
    origin: Origin,
    conditions: Conditions,
    spans: Sequence[Span],
    lines: int | None,
) -> Iterator[Record]:
    def found(spans: Sequence[Span]) -> Iterator[Record]:
        rows = (_rows(store, path, query(conditions, span)) for span in spans)
        return filter(conditions.meets, records(origin, chain.from_iterable(rows)))

    if lines is None:
        yield from found(spans)
        return
    count = 1
    # One more, because the first one may have begun before its span.
    while len(last := deque(found(spans[-count:]), maxlen=lines + 1)) <= lines:
        if count >= len(spans):
            break
        count *= 2
    yield from last


def _spans(store: Api, paths: Iterable[Path], conditions: Conditions) -> dict[Path, list[Span]]:
    """Return for each file the spans of time in which it has lines, each with about ROWS of them.

    The store sorts only what fits in a fifth of its memory, so it sorts nothing. A span is small
    enough to be sorted here.
    """
    counting = f"{query(conditions)} | stats by (file, _time:1h) count() as rows"
    rows = victoria_logs.ask_of_files(store, paths, counting)
    hours: dict[Path, dict[datetime, int]] = defaultdict(dict)
    for row in rows:
        hours[Path(row["file"])][datetime.fromisoformat(row["_time"])] = int(row["rows"])
    return {path: list(joined(counts)) for path, counts in hours.items()}


def joined(hours: Mapping[datetime, int]) -> Iterator[Span]:
    """Yield spans of hours that have together about ROWS lines, from the lines of each hour."""
    begin, rows = None, 0
    for hour in sorted(hours):
        begin = begin or hour
        rows += hours[hour]
        if rows >= ROWS:
            yield begin, hour + HOUR
            begin, rows = None, 0
    if begin:
        yield begin, max(hours) + HOUR


def _rows(store: Api, path: Path, text: str) -> list[dict[str, str]]:
    rows = victoria_logs.ask_of_files(store, [path], text)
    # A time without its zone is in the order of its text, however many digits it has.
    return sorted(rows, key=lambda row: row["_time"].rstrip("Z"))


def query(conditions: Conditions, span: Span | None = None) -> str:
    """Return the filters in LogsQL. They may find more than what meets the conditions.

    Lines of text have no fields, and the first line of an entry may be another one than that which
    meets them: all of those are asked for.
    """
    words = []
    if span:
        words.append(f"_time:[{_time(span[0])}, {_time(span[1])})")
    if conditions.since:
        words.append(f"_time:>={_time(conditions.since)}")
    if conditions.request_id:
        words.append(f"(*:{json.dumps(conditions.request_id)} or !level:*)")
    if conditions.user_id is not None:
        words.append(f'user_id:="{conditions.user_id}"')
    if conditions.level:
        lesser = set(LEVELS[: LEVELS.index(conditions.level)])
        spelled = {word for word, level in formats.LEVELS.items() if level in lesser}
        words.append(f"!level:in({','.join(sorted(lesser | spelled))})")
    if conditions.status:
        pattern = json.dumps(f"^{conditions.status.rstrip('x')}")
        words.append(f"(status:~{pattern} or DownstreamStatus:~{pattern})")
    return " ".join(words)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def records(origin: Origin, rows: Iterable[Mapping[str, str]]) -> Iterator[Record]:
    """Yield the records of one file, from its rows in the order of time.

    One that does not say when has the time when it was read.
    """
    entry, read = "", datetime.now(UTC)
    for row in rows:
        time = datetime.fromisoformat(row["_time"])
        fields = {name: value for name, value in row.items() if name not in OWN}
        if entry and not fields and formats.is_continuation(row["_msg"]):
            entry += f"\n{row['_msg']}"
            continue
        if entry:
            yield _of_text(origin, entry, read)
        entry, read = ("", time) if fields else (row["_msg"], time)
        if fields:
            said = formats.from_fields(_as_logged(fields, row["_msg"]))
            yield entries.record(origin, time, said)
    if entry:
        yield _of_text(origin, entry, read)


def _as_logged(fields: Mapping[str, str], message: str) -> dict[str, str]:
    event = {} if message == NO_MESSAGE else {"event": message}
    return event | {
        name: formats.number(float(value)) if CHANGED.fullmatch(value) else value
        for name, value in fields.items()
    }


def _of_text(origin: Origin, entry: str, read: datetime) -> Record:
    said = formats.read(entry)
    return entries.record(origin, said.time or read, said)
