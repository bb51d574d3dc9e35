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

from tasktracker_cli.gateway.models import Stats, Task, User
from tasktracker_cli.terminal.bars import Bar, bars, counts
from tasktracker_cli.terminal.labels import PRIORITY, STATUS, due_text, label
from tasktracker_cli.terminal.tables import TaskTable, headed
from tasktracker_cli.terminal.text import cell, visible, visible_lines

CHUNK = 200  # tasks rendered at a time: a page of the API


class Views:
    """Renders objects as they are at the moment `now`."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now

    def tasks(self, tasks: Iterable[Task]) -> Iterator[RenderableType]:
        """Yield a table, or several of the same width when there are more tasks than a page."""
        rest = iter(tasks)
        header = True
        while chunk := list(islice(rest, CHUNK)):
            yield TaskTable(chunk, self._now, header=header, more=not header or len(chunk) == CHUNK)
            header = False

    def task(self, task: Task) -> RenderableType:
        due = due_text(task, self._now)
        if task.due:
            due.append(f" ({_moment(task.due)})", "dim")
        facts = {
            "Status": label(STATUS, task.status),
            "Priority": label(PRIORITY, task.priority),
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
        }
        doing = stats.by_status.get("in_progress", 0)
        shares = [(stats.completed, STATUS["done"][2]), (doing, STATUS["in_progress"][2])]
        return Group(
            bars([(Bar(shares, stats.total), f"{stats.percentage:g}%")]),
            "",
            _grid(facts),
            "",
            counts(STATUS, stats.by_status),
            "",
            counts(PRIORITY, stats.by_priority),
        )


def columns(
    fields: Sequence[str], raws: Iterable[Mapping[str, Any]], headings: Sequence[str] = ()
) -> Iterator[RenderableType]:
    """Yield a table of the fields, under their own names unless there are headings."""
    table = headed(header=True)
    for name in headings or fields:
        table.add_column(name)
    for raw in raws:
        values = (raw.get(name) for name in fields)
        table.add_row(*(Text(visible(cell(value))) for value in values))
    yield table


def _grid(facts: Mapping[str, Text]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, value)
    return table


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
