"""How a file of tasks is written down: text in, (line, object) pairs out, one at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from tasktracker_cli.errors import UsageError

Located = Iterator[tuple[int, Any]]


class FileFormat(StrEnum):
    """How tasks are written down in a file."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


class BrokenFileError(ValueError):
    """From this line on the file cannot be read at all."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")


def format_of(name: str, chosen: FileFormat | None) -> FileFormat:
    """Return the format that was chosen, or else the one that the file's name ends with."""
    if chosen is not None:
        return chosen
    ending = PurePath(name).suffix.removeprefix(".").lower()
    try:
        return FileFormat({"jsonl": "ndjson"}.get(ending, ending))
    except ValueError:
        raise UsageError(
            f"The format of {name!r} is not clear from its name.",
            f"Give it with --format {'|'.join(FileFormat)}.",
        ) from None


def objects(text: str, format_: FileFormat) -> Located:
    """Yield each object and the line it begins at; raise BrokenFileError where that ends."""
    return _READERS[format_](text)


def _json(text: str) -> Located:
    """Read an array element by element: json.loads would not say where they stand."""
    scanner = _JsonScanner(text)
    scanner.expect("[", "a JSON array of tasks is expected")
    more = not scanner.follows("]")
    while more:
        line, value = scanner.value()
        yield line, value
        more = scanner.follows(",")
        if not more:
            scanner.expect("]", "after a task a comma or ] is expected")
    if scanner.rest():
        raise BrokenFileError(scanner.line, "there is more after the array")


def _ndjson(text: str) -> Located:
    for line, row in enumerate(text.split("\n"), start=1):
        if row.strip():
            scanner = _JsonScanner(row, line)
            yield scanner.value()
            if scanner.rest():
                raise BrokenFileError(line, "there is more than one JSON value")


def _csv(text: str) -> Located:
    header = text.partition("\n")[0]
    # Where the comma is the decimal point, spreadsheets write semicolons.
    delimiter = ";" if ";" in header and "," not in header else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        if len(set(names)) < len(names):
            raise BrokenFileError(1, "a column is there twice")
        line = reader.line_num + 1
        for cells in reader:
            if cells:
                yield line, _row(names, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise BrokenFileError(reader.line_num, f"not CSV: {error}") from None


def _row(names: list[str], cells: list[str]) -> dict[str | None, Any]:
    if len(cells) > len(names):
        # Only this row is wrong: the rows after it can be read. No column has the name None.
        return {None: cells}
    row: dict[str | None, Any] = {
        name: cell for name, cell in zip(names, cells, strict=False) if cell
    }
    word = str(row.get("is_completed", "")).lower()
    return row | ({"is_completed": word == "true"} if word in {"true", "false"} else {})


_READERS: dict[FileFormat, Callable[[str], Located]] = {
    FileFormat.JSON: _json,
    FileFormat.NDJSON: _ndjson,
    FileFormat.CSV: _csv,
}


class _JsonScanner:
    """Reads JSON values from a text one after the other, and knows the line of each."""

    def __init__(self, text: str, line: int = 1) -> None:
        self.line = line
        self._text = text
        self._position = 0
        self._decoder = json.JSONDecoder()

    def value(self) -> tuple[int, Any]:
        """Return the line of the next value, and the value."""
        self._skip()
        line = self.line
        try:
            value, end = self._decoder.raw_decode(self._text, self._position)
        except json.JSONDecodeError as error:
            broken = line + self._text.count("\n", self._position, error.pos)
            raise BrokenFileError(broken, f"not JSON: {error.msg}") from None
        except RecursionError:
            raise BrokenFileError(line, "not a task: too deep") from None
        self._move(end)
        return line, value

    def follows(self, mark: str) -> bool:
        """Return whether the mark is next; if so, it is read."""
        self._skip()
        found = self._text.startswith(mark, self._position)
        self._position += len(mark) if found else 0
        return found

    def expect(self, mark: str, why: str) -> None:
        if not self.follows(mark):
            raise BrokenFileError(self.line, why)

    def rest(self) -> bool:
        """Return whether anything but white space is left."""
        self._skip()
        return self._position < len(self._text)

    def _skip(self) -> None:
        end = self._position
        while end < len(self._text) and self._text[end] in " \t\r\n":
            end += 1
        self._move(end)

    def _move(self, end: int) -> None:
        self.line += self._text.count("\n", self._position, end)
        self._position = end
