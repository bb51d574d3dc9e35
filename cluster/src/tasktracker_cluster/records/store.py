"""The records in VictoriaLogs: those of files that are gone, when `observe` stores logs."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, ApiError
from tasktracker_cluster.records import entries, formats, log_files
from tasktracker_cluster.records.conditions import Conditions
from tasktracker_cluster.records.record import LEVELS, Origin, Record
from tasktracker_cluster.site import Site

LIMIT_SECONDS = 60
EVERYTHING = "*"
# Fields that are not the line's own.
OWN = ("_msg", "_stream", "_stream_id", "_time", "file")
NO_MESSAGE = "-"  # of a line of JSON (nomad/jobs/logs.nomad.hcl)
# The text of a number may change in the store: 2.51 can come back as 2.5100000000000002, 9.0 as 9.
CHANGED = re.compile(r"-?\d+\.(\d{10,}|0)")


def of_gone_files(cluster: Cluster, conditions: Conditions) -> list[Iterator[Record]]:
    """Return the records of each stored log whose file is gone, none when nothing is stored."""
    site = cluster.site
    if not site.log_links.exists():
        return []  # `observe` does not run
    try:
        known = origins(files(cluster.logs))
        gone = {link: origin for link, origin in known.items() if not _has_file(site, link)}
        return search(cluster.logs, gone, conditions)
    except AdminError:
        return []


def origins(links: Iterable[Path]) -> dict[Path, Origin]:
    """Return who wrote what is behind each of these links (nomad/jobs/logs/link.py)."""
    tasks: dict[str, set[str]] = defaultdict(set)
    found = {link: _parts(link) for link in links}
    for allocation, rest in found.values():
        tasks[allocation].add(rest.rpartition(".std")[0])
    jobs = {allocation: log_files.job_of(names) for allocation, names in tasks.items()}
    return {
        link: Origin(jobs[allocation] or allocation[:8], rest.rpartition(".std")[0], allocation[:8])
        if ".std" in rest
        else Origin(allocation)
        for link, (allocation, rest) in found.items()
    }


def _has_file(site: Site, link: Path) -> bool:
    allocation, rest = _parts(link)
    if ".std" in rest:
        return (site.home / "nomad" / "alloc" / allocation / "alloc" / "logs" / rest).exists()
    inode = int(rest.partition(".")[0])
    return any(file.stat().st_ino == inode for file in site.logs.glob(f"{allocation}*"))


def _parts(link: Path) -> tuple[str, str]:
    """Return the allocation or the agent, and the rest of the name."""
    first, _, rest = link.name.partition(".")
    return first, rest


def files(store: Api) -> list[Path]:
    """Return the files whose lines it has. Raises ApiError when it does not answer."""
    answer = store.call(
        "GET", "/select/logsql/stream_field_values", query=EVERYTHING, field="file", start="0"
    )
    return sorted(Path(each["value"]) for each in answer["values"])


def search(
    store: Api, origins: Mapping[Path, Origin], conditions: Conditions
) -> list[Iterator[Record]]:
    """Return the records of each of these files that meet the conditions, as they were logged.

    Raises ApiError when it does not answer, or has too many.
    """
    wanted = {path: origin for path, origin in origins.items() if conditions.concern(origin)}
    if not wanted:
        return []
    rows: dict[Path, list[dict[str, str]]] = defaultdict(list)
    for row in _ask(store, query(wanted, conditions)):
        rows[Path(row["file"])].append(row)
    return [filter(conditions.meets, records(wanted[path], found)) for path, found in rows.items()]


def query(paths: Iterable[Path], conditions: Conditions) -> str:
    """Return the query in LogsQL. It may find more than what meets the conditions.

    Lines of text have no fields, and the first line of an entry may be another one than that which
    meets them: all of those are asked for.
    """
    words = [f"{{file in ({','.join(json.dumps(str(path)) for path in paths)})}}"]
    if conditions.since:
        words.append(f"_time:>={conditions.since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}")
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
    return f"{' '.join(words)} | sort by (_time)"


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


def _ask(store: Api, text: str) -> Iterator[dict[str, str]]:
    try:
        with store.http.stream(
            "POST", "/select/logsql/query", data={"query": text}, timeout=LIMIT_SECONDS
        ) as answer:
            if answer.is_error:
                answer.read()
                raise ApiError(f"VictoriaLogs answered {answer.status_code}: {answer.text[:300]}.")
            yield from map(json.loads, answer.iter_lines())
    except httpx.TransportError as error:
        raise ApiError("VictoriaLogs does not answer.", "Start it with: ./just observe") from error
