"""The whole terminal as one picture, drawn again and again; restored at the end."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from tasktracker_cli.terminal.sink import make_console
from tasktracker_cli.terminal.text import visible


class Screen:
    """A title above a picture."""

    def __init__(self) -> None:
        self._live = Live(console=make_console(), screen=True, auto_refresh=False)
        self._picture: list[RenderableType] = []

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, title: str, picture: Iterable[RenderableType]) -> None:
        """Draw a new picture."""
        self._picture = list(picture)
        self.title(title)

    def title(self, title: str) -> None:
        """Draw the picture that is there under a new title."""
        heading = Text(visible(title), "dim", no_wrap=True, overflow="ellipsis")
        self._live.update(Group(heading, "", *self._picture), refresh=True)
