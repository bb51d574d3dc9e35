"""Files of tasks in, checked rows out.

The fields are those that `task export` writes; those that only the server sets are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasktracker_cli.editing.fields import checked
from tasktracker_cli.errors import UsageError
from tasktracker_cli.transfer.parsers import BrokenFileError, FileFormat, objects

SHOWN_FAULTS = 20
SERVERS_OWN = {"id", "owner_id", "created_at", "updated_at"}


@dataclass(frozen=True)
class Row:
    """A task of a file: its number from 1, the line it begins at, what it says and means."""

    number: int
    line: int
    raw: Mapping[str, Any]
    fields: Mapping[str, Any]


class InvalidFileError(UsageError):
    """The file cannot be imported; `faults` says what is wrong in which lines."""

    def __init__(self, name: str, faults: list[str]) -> None:
        count = "a fault" if len(faults) == 1 else f"{len(faults):,} faults"
        super().__init__(f"{name} has {count}: nothing was sent.", "Mend the file and try again.")
        self.faults = faults[:SHOWN_FAULTS]
        if len(faults) > SHOWN_FAULTS:
            self.faults.append(f"... and {len(faults) - SHOWN_FAULTS:,} more")


def read(name: str, content: bytes, format_: FileFormat) -> list[Row]:
    """Return the file's tasks. Raises InvalidFileError for the faults of all its rows."""
    try:
        # Spreadsheets begin a file with a byte order mark.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidFileError(name, [f"line {line}: not text in UTF-8"]) from None
    rows: list[Row] = []
    faults: list[str] = []
    for number, (line, raw) in enumerate(_readable(text, format_, faults), start=1):
        try:
            rows.append(Row(number, line, raw, _fields(raw)))
        except ValueError as error:
            # A JSON array may be one long line.
            place = f"task {number}, line {line}" if format_ is FileFormat.JSON else f"line {line}"
            faults.append(f"{place}: {error}")
    if faults:
        raise InvalidFileError(name, faults)
    return rows


def _readable(text: str, format_: FileFormat, faults: list[str]) -> Iterator[tuple[int, Any]]:
    try:
        yield from objects(text, format_)
    except BrokenFileError as error:
        faults.append(str(error))


def _fields(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("not an object with the fields of a task")
    given = {name: value for name, value in raw.items() if name not in SERVERS_OWN}
    if None in given:
        raise ValueError("more cells than columns")
    if "title" not in given:
        raise ValueError("the title is missing")
    return {name: value for name, value in checked(given).items() if value is not None}
