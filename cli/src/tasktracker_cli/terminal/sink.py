"""Where data go: standard output, or a pager in front of it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from tasktracker_cli.terminal import streams

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_DUMB = {"dumb", "unknown"}
_UNLIMITED = 100_000  # columns: what goes to a file or a pipe is not cut or wrapped


def for_eyes(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a person reads the stream: it is a terminal, or the user says so."""
    forced = (environ.get(name, "") for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    return any(value not in {"", "0"} for value in forced) or is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether the stream is a terminal."""
    return stream is not None and stream.isatty()


def can_redraw(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the terminal can move its cursor."""
    return environ.get("TERM") not in _DUMB


def coloured(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether text for people has colours: NO_COLOR wins over everything."""
    return not environ.get("NO_COLOR") and can_redraw(environ)


class Sink:
    """Writes text and what rich renders. `terminal` says whether a person reads it."""

    def __init__(self) -> None:
        self.terminal = for_eyes(sys.stdout)
        self._write: Callable[[str], None] = _print

    def write(self, text: str) -> None:
        """Write text, at once: what reads a pipe may be waiting for it."""
        self._write(text)

    def show(self, piece: RenderableType) -> None:
        """Write something for people."""
        self._write(f"{piece}\n" if isinstance(piece, str) else self._rendered(piece))

    @contextmanager
    def paged(self) -> Iterator[None]:
        """Put a pager in front, if there are one and a terminal to read and to type on."""
        if not (is_terminal(sys.stdout) and is_terminal(sys.stdin)):
            yield
            return
        from tasktracker_cli.terminal import pager

        words = pager.command()
        if not words:
            yield
            return
        paged = pager.Paged(words, _print, shutil.get_terminal_size().lines)
        self._write = paged.write
        try:
            yield
        finally:
            self._write = _print
            paged.close()

    def _rendered(self, piece: RenderableType) -> str:
        with self._console.capture() as capture:
            self._console.print(piece)
        return capture.get()

    @cached_property
    def _console(self) -> Console:
        known = is_terminal(sys.stdout) or "COLUMNS" in os.environ
        return make_console(force_terminal=self.terminal, width=None if known else _UNLIMITED)


def make_console(**more: Any) -> Console:
    """Return rich's console, which shows text as it is and honours NO_COLOR."""
    from rich.console import Console

    # [red] and :smile: in a title are text.
    return Console(markup=False, highlight=False, emoji=False, no_color=not coloured(), **more)


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise streams.lost(error) from None
