"""VictoriaLogs, which stores the lines of logs: its answer to a query."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import ApiError

LIMIT_SECONDS = 60
NAMES_BYTES = 12_000  # in one query: the store takes 16,384 with the conditions


def ask_of_files(store: Api, paths: Iterable[Path], text: str) -> Iterator[dict[str, str]]:
    """Yield the rows that a query in LogsQL finds in the lines of these files.

    It is sent with a part of the names at a time: a store that runs for weeks has thousands. So
    `text` may count and join only by file. Raises ApiError when it does not answer, or refuses.
    """
    for group in _groups(json.dumps(str(path)) for path in paths):
        yield from ask(store, f"{{file in ({','.join(group)})}} {text}")


def _groups(names: Iterable[str]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for name in names:
        added = len(name) + 1  # a comma; JSON is ASCII
        if group and size + added > NAMES_BYTES:
            yield group
            group, size = [], 0
        group.append(name)
        size += added
    if group:
        yield group


def ask(store: Api, text: str) -> Iterator[dict[str, str]]:
    """Yield the rows that a query in LogsQL finds, in no order unless it sorts them.

    Raises ApiError when it does not answer, or refuses.
    """
    try:
        with store.http.stream(
            "POST", "/select/logsql/query", data={"query": text}, timeout=LIMIT_SECONDS
        ) as answer:
            if answer.is_error:
                answer.read()
                raise ApiError(f"VictoriaLogs answered {answer.status_code}: {answer.text[:300]}.")
            for line in answer.iter_lines():
                yield _row(line)
    except httpx.TransportError as error:
        raise ApiError(
            "VictoriaLogs does not answer.", "Start it with: ./just observe", passes=True
        ) from error


def _row(line: str) -> dict[str, str]:
    try:
        row: dict[str, str] = json.loads(line)
    except ValueError:  # it ended the rows with an error
        raise ApiError(f"VictoriaLogs failed: {line[:300]}.") from None
    return row
