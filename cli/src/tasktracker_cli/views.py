"""How tasks, people and figures look on a terminal: glyphs, colours, relative dates.

`plain.PlainViews` has the same methods for what no person looks at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasktracker_cli.models import Stats, Task, User
from tasktracker_cli.moments import relative
from tasktracker_cli.text import visible, visible_lines

# Value of the API: glyph, words, style.
STATUS = {
    "todo": ("○", "todo", "cyan"),
    "in_progress": ("◐", "in progress", "yellow"),
    "done": ("●", "done", "green"),
}
PRIORITY = {
    "low": ("▽", "low", "dim"),
    "medium": ("▷", "medium", ""),
    "high": ("▲", "high", "bold red"),
}
BAR_WIDTH = 40


CHUNK = 200  # tasks rendered at a time: a page of the API


class Views:
    """Renders objects as they are at the moment `now`."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now

    def tasks(self, tasks: Iterable[Task]) -> Iterator[RenderableType]:
        """Give a table, or several of the same width when there are more tasks than a page."""
        rest = iter(tasks)
        header = True
        while chunk := list(islice(rest, CHUNK)):
            yield self._table(chunk, header=header, more=not header or len(chunk) == CHUNK)
            header = False

    def _table(self, tasks: Sequence[Task], *, header: bool, more: bool) -> Table:
        table = _headed(header)
        # Tables that follow each other line up only if their columns are as wide as can be.
        widths = (7, 13, 8, 15) if more else (0, 0, 0, 0)
        table.add_column("ID", justify="right", no_wrap=True, min_width=widths[0])
        # The one column that gives way in a narrow terminal.
        table.add_column("TITLE", ratio=1 if more else None)
        for name, width in zip(("STATUS", "PRIORITY", "DUE"), widths[1:], strict=True):
            table.add_column(name, no_wrap=True, min_width=width)
        table.expand = more
        for task in tasks:
            table.add_row(
                str(task.id),
                Text(visible(task.title), _title_style(task), no_wrap=True, overflow="ellipsis"),
                _label(STATUS, task.status),
                _label(PRIORITY, task.priority),
                self._due(task),
            )
        return table

    def task(self, task: Task) -> RenderableType:
        due = self._due(task)
        if task.due:
            due.append(f" ({_moment(task.due)})", "dim")
        facts = {
            "Status": _label(STATUS, task.status),
            "Priority": _label(PRIORITY, task.priority),
            "Due": due,
            "Created": Text(_moment(task.created)),
            "Updated": Text(_moment(task.updated)),
        }
        heading = Text.assemble((f"#{task.id}", "dim"), " ", (visible(task.title), "bold"))
        if not task.description:
            return Group(heading, _grid(facts))
        description = "\n".join(visible_lines(task.description))
        return Group(heading, _grid(facts), "", Text(description))

    def user(self, user: User, origin: str) -> RenderableType:
        facts = {
            "Username": Text(visible(user.username), "bold"),
            "Full name": Text(visible(user.full_name or "-")),
            "Email": Text(visible(user.email)),
            "Gateway": Text(origin),
        }
        return _grid(facts)

    def stats(self, stats: Stats) -> RenderableType:
        facts = {
            "Tasks": Text(str(stats.total), "bold"),
            "Done": Text(f"{stats.completed} ({stats.percentage:g}%)"),
            "Overdue": Text(str(stats.overdue), "bold red" if stats.overdue else ""),
            "Status": _counts(STATUS, stats.by_status),
            "Priority": _counts(PRIORITY, stats.by_priority),
        }
        return Group(_bar(stats), Text(), _grid(facts))

    def _due(self, task: Task) -> Text:
        if task.due is None:
            return Text("-", "dim")
        late = task.due < self._now and task.status != "done"
        style = "bold red" if late else "dim" if task.status == "done" else ""
        return Text(relative(task.due, self._now), style)


def columns(fields: Sequence[str], raws: Iterable[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """Give the fields that the user chose, under their own names."""
    table = _headed(header=True)
    for name in fields:
        table.add_column(name)
    for raw in raws:
        values = (raw.get(name) for name in fields)
        table.add_row(*("" if value is None else Text(visible(str(value))) for value in values))
    yield table


def _headed(header: bool) -> Table:
    return Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=header
    )


def _label(table: Mapping[str, tuple[str, str, str]], value: str) -> Text:
    """Return the glyph and words for a value of the API; one that is not known as it is."""
    if value not in table:
        return Text(visible(value))
    glyph, words, style = table[value]
    return Text(f"{glyph} {words}", style)


def _counts(table: Mapping[str, tuple[str, str, str]], counts: Mapping[str, int]) -> Text:
    parts = [_label(table, value).append(f" {count}") for value, count in counts.items()]
    return Text("   ").join(parts)


def _grid(facts: Mapping[str, Text]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, value)
    return table


def _bar(stats: Stats) -> Text:
    total = max(stats.total, 1)
    done = round(BAR_WIDTH * stats.completed / total)
    doing = min(round(BAR_WIDTH * stats.by_status.get("in_progress", 0) / total), BAR_WIDTH - done)
    return Text.assemble(
        ("█" * done, STATUS["done"][2]),
        ("█" * doing, STATUS["in_progress"][2]),
        ("░" * (BAR_WIDTH - done - doing), "dim"),
        f" {stats.percentage:g}%",
    )


def _title_style(task: Task) -> str:
    return "dim strike" if task.status == "done" else ""


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
