"""How tasks, people and figures look: glyphs and colours for a terminal, plain for a pipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

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


class Views:
    """Renders objects as they are at the moment `now`, for a terminal or for a pipe."""

    def __init__(self, *, terminal: bool, now: datetime) -> None:
        self._terminal = terminal
        self._now = now

    def tasks(self, tasks: Sequence[Task]) -> RenderableType:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("ID", justify="right", no_wrap=True)
        table.add_column("TITLE")  # the one column that gives way in a narrow terminal
        for header in ("STATUS", "PRIORITY", "DUE"):
            table.add_column(header, no_wrap=True)
        for task in tasks:
            table.add_row(
                str(task.id),
                Text(visible(task.title), _title_style(task), no_wrap=True, overflow="ellipsis"),
                self._label(STATUS, task.status),
                self._label(PRIORITY, task.priority),
                self._due(task),
            )
        return table

    def task(self, task: Task) -> RenderableType:
        due = self._due(task)
        if task.due and self._terminal:
            due.append(f" ({_moment(task.due)})", "dim")
        facts = {
            "Status": self._label(STATUS, task.status),
            "Priority": self._label(PRIORITY, task.priority),
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
            "Status": self._counts(STATUS, stats.by_status),
            "Priority": self._counts(PRIORITY, stats.by_priority),
        }
        return Group(_bar(stats), Text(), _grid(facts)) if self._terminal else _grid(facts)

    def _label(self, table: Mapping[str, tuple[str, str, str]], value: str) -> Text:
        """Return the glyph and words for a value of the API, or for a pipe the value itself."""
        if not self._terminal or value not in table:
            return Text(visible(value))
        glyph, words, style = table[value]
        return Text(f"{glyph} {words}", style)

    def _counts(self, table: Mapping[str, tuple[str, str, str]], counts: Mapping[str, int]) -> Text:
        parts = [self._label(table, value).append(f" {count}") for value, count in counts.items()]
        return Text("   " if self._terminal else ", ").join(parts)

    def _due(self, task: Task) -> Text:
        if task.due is None:
            return Text("-", "dim")
        if not self._terminal:
            return Text(_moment(task.due))
        late = task.due < self._now and task.status != "done"
        style = "bold red" if late else "dim" if task.status == "done" else ""
        return Text(relative(task.due, self._now), style)


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
