"""The terminal: stdout is data, stderr is talk. Only views.py knows rich besides this."""

from __future__ import annotations

import json
import os
import sys
from functools import cached_property
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from tasktracker_cli.errors import CliError, OutputClosedError
from tasktracker_cli.text import visible, visible_json

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_UNLIMITED = 100_000  # columns: what goes to a file or a pipe is not cut or wrapped


class Output:
    """Prints data, talk and errors.

    `terminal` says whether a person reads stdout: glyphs and relative dates are for people.
    """

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            # A character that the stream's encoding lacks is shown as an escape, not a crash.
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        self.terminal = sys.stdout is not None and sys.stdout.isatty()

    def show(self, renderable: RenderableType) -> None:
        """Print data for people."""
        with self._stdout.capture() as capture:
            self._stdout.print(renderable)
        lines = capture.get().splitlines()
        self._write("\n".join(lines if self.terminal else map(str.rstrip, lines)))

    def json(self, value: Any) -> None:
        """Print data for programs: the same values, with unsafe characters escaped."""
        self._write(visible_json(json.dumps(value, indent=2, ensure_ascii=False)))

    def say(self, message: str) -> None:
        """Tell the user what happened."""
        self._tell("✓", "green", message)

    def note(self, message: str) -> None:
        """Tell the user something worth knowing."""
        self._tell("!", "yellow", message)

    def error(self, message: str, hint: str) -> None:
        """Tell the user what went wrong, and what to do next."""
        self._tell("error:", "bold red", f"{message} {hint}".rstrip())

    def _tell(self, mark: str, style: str, message: str) -> None:
        from rich.text import Text

        text = Text.assemble((mark, style), " ", visible(message))
        self._stderr.print(text, soft_wrap=True)

    def _write(self, text: str) -> None:
        try:
            print(text, flush=True)  # noqa: T201 - this is the place that prints
        except OSError as error:
            # Python flushes again when it exits, and would complain again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                raise OutputClosedError from None
            raise CliError(f"The output cannot be written: {error.strerror}.") from None

    @cached_property
    def _stdout(self) -> Console:
        return _console(stderr=False, width=None if self.terminal else _UNLIMITED)

    @cached_property
    def _stderr(self) -> Console:
        return _console(stderr=True, width=None)


def _console(*, stderr: bool, width: int | None) -> Console:
    from rich.console import Console

    # Text is data, whoever wrote it: [red] and :smile: are shown as they are.
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)
