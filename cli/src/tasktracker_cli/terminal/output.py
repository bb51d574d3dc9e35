"""The program's output: data to stdout, messages to stderr. Only drawing needs rich."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import typer

from tasktracker_cli.errors import CliError
from tasktracker_cli.gateway.models import Raw
from tasktracker_cli.terminal import streams
from tasktracker_cli.terminal.choices import Choices
from tasktracker_cli.terminal.sink import Sink, coloured, for_eyes, is_terminal
from tasktracker_cli.terminal.text import visible, wrapped

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tasktracker_cli.terminal.progress import Progress

View = Callable[[Iterable[Raw]], Iterable["RenderableType"]]


class Output:
    """Prints data, messages and errors.

    `choices` says what the user wants of the data; `terminal` whether a person reads them:
    colours, glyphs and relative dates are for people.
    """

    def __init__(self, choices: Choices | None = None) -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors=streams.lacking(stream))
        self.choices = choices or Choices()
        self._sink = Sink()
        self._busy = False

    @property
    def terminal(self) -> bool:
        return self._sink.terminal

    def record(self, raw: Raw, view: Callable[[], RenderableType]) -> None:
        """Print one object in the chosen format; `view` gives what people see."""
        if not self.choices.for_people:
            from tasktracker_cli.terminal import serializers

            self._write(serializers.one(self.choices, raw, terminal=self.terminal))
        elif self.choices.fields:
            self.show(*self._columns(self.choices.fields, [raw]))
        else:
            self.show(view())

    def event(self, raw: Raw) -> None:
        """Print an object that is not of the list being printed; --fields does not apply to it."""
        from tasktracker_cli.terminal import serializers

        whole = replace(self.choices, fields=())
        self._write(serializers.one(whole, raw, terminal=self.terminal))

    def row(self, raw: Raw, view: View) -> None:
        """Print one object in the chosen format; people see it as the only row of a table."""
        if self.choices.for_people:
            self.records([raw], view)
        else:
            self.record(raw, lambda: "")

    def records(self, raws: Iterable[Raw], view: View) -> int:
        """Print objects in the chosen format as they arrive; return how many there were.

        `view` turns them into what people see, piece by piece.
        """
        counted = Counted(raws)
        if not self.choices.for_people:
            from tasktracker_cli.terminal import serializers

            self._write(serializers.many(self.choices, counted, terminal=self.terminal))
        else:
            with self._paged():
                fields = self.choices.fields
                for piece in self._columns(fields, counted) if fields else view(counted):
                    self._sink.show(piece)
        return counted.count

    def write(self, text: str) -> None:
        """Print text as it is."""
        self._sink.write(text)

    def show(self, *pieces: RenderableType) -> None:
        """Print what is for people only."""
        for piece in pieces:
            self._sink.show(piece)

    def table(self, fields: Sequence[str], raws: Iterable[Raw]) -> Iterable[RenderableType]:
        """Return a table of these fields under headings in capitals, which all lists have."""
        return self._columns(fields, raws, [name.upper().replace("_", " ") for name in fields])

    def _columns(
        self, fields: Sequence[str], raws: Iterable[Raw], headings: Sequence[str] = ()
    ) -> Iterable[RenderableType]:
        if self.terminal:
            from tasktracker_cli.terminal.views import columns
        else:
            from tasktracker_cli.terminal.plain import columns
        return columns(fields, raws, headings)

    def say(self, message: str) -> None:
        """Tell the user what was done; programs and `--quiet` see it in the result."""
        if not (self.choices.errors_are_json or self.choices.quiet):
            self._tell("✓", "green", message)

    def note(self, message: str) -> None:
        """Tell the user something worth knowing."""
        if self.choices.errors_are_json:
            _tell_programs({"note": {"message": message}})
        else:
            self._tell("!", "yellow", message)

    def trace(self, message: str) -> None:
        """Show what `--verbose` asks for."""
        if self.choices.errors_are_json:
            _tell_programs({"trace": {"message": message}})
        else:
            self._tell("→", "blue", message)

    def error(self, error: CliError) -> None:
        """Tell the user what went wrong, and what to do next."""
        if self.choices.errors_are_json:
            _tell_programs({"error": error.facts()})
        else:
            self._tell("error:", "red", error.told())

    @contextmanager
    def progress(self, title: str, total: int | None = None) -> Iterator[Progress]:
        """Show on a terminal that the work takes long, if it does; one at a time."""
        from tasktracker_cli.terminal import progress

        if self._busy or not is_terminal(sys.stderr):
            yield progress.Progress()
            return
        self._busy = True
        try:
            with progress.delayed(title, total) as shown:
                yield shown
        finally:
            self._busy = False

    def _write(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._sink.write(text)

    @contextmanager
    def _paged(self) -> Iterator[None]:
        # A spinner would draw across the pager.
        was_busy, self._busy = self._busy, True
        try:
            with self._sink.paged() if self.choices.pager else nullcontext():
                yield
        finally:
            self._busy = was_busy

    def _tell(self, mark: str, color: str, message: str) -> None:
        text = visible(message)
        if is_terminal(sys.stderr):
            text = wrapped(text, os.get_terminal_size(sys.stderr.fileno()).columns, len(mark) + 1)
        if for_eyes(sys.stderr) and coloured():
            mark = typer.style(mark, fg=color, bold=True)
        streams.tell(f"{mark} {text}")


class Counted:
    """Iterates over objects, and counts those that were given out."""

    def __init__(self, raws: Iterable[Raw]) -> None:
        self.count = 0
        self._raws = raws

    def __iter__(self) -> Iterator[Raw]:
        for raw in self._raws:
            self.count += 1
            yield raw


def _tell_programs(value: Any) -> None:
    # One line each, in ASCII: nothing in it can act on a terminal.
    streams.tell(json.dumps(value))
