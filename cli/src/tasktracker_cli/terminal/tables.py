"""Tasks as a table that fits the terminal, however narrow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from tasktracker_cli.gateway.models import Task
from tasktracker_cli.terminal.labels import PRIORITY, STATUS, due_text, is_late, label
from tasktracker_cli.terminal.text import visible

WORDS = 60  # columns from which there is room for the words beside the glyphs
DUE = 36  # columns from which there is room for due dates


class TaskTable:
    """Some tasks; `more` makes tables that follow each other line up."""

    def __init__(
        self, tasks: Sequence[Task], now: datetime, *, header: bool = True, more: bool = False
    ) -> None:
        self._tasks = tasks
        self._now = now
        self._header = header
        self._more = more

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        short, with_due = options.max_width < WORDS, options.max_width >= DUE
        table = self._empty(short=short, with_due=with_due)
        for task in self._tasks:
            title = Text(visible(task.title), self._style(task), no_wrap=True, overflow="ellipsis")
            table.add_row(
                str(task.id),
                title,
                label(STATUS, task.status, short=short),
                label(PRIORITY, task.priority, short=short),
                *([due_text(task, self._now)] if with_due else []),
            )
        yield table

    def _empty(self, *, short: bool, with_due: bool) -> Table:
        table = headed(self._header)
        # Tables below each other line up only if each column has its greatest width.
        widths = (7, 13, 8, 15) if self._more and not short else (0, 0, 0, 0)
        table.add_column("ID", justify="right", no_wrap=True, min_width=widths[0])
        # The only column that is shortened.
        table.add_column("TITLE", ratio=1 if self._more else None)
        names = ("", "") if short else ("STATUS", "PRIORITY")
        for name, width in zip((*names, *(["DUE"] * with_due)), widths[1:], strict=False):
            table.add_column(name, no_wrap=True, min_width=width)
        table.expand = self._more
        return table

    def _style(self, task: Task) -> str:
        if task.status == "done":
            return "dim strike"
        return "red" if is_late(task, self._now) else ""


def headed(header: bool) -> Table:
    """Return a table without lines."""
    return Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=header
    )
