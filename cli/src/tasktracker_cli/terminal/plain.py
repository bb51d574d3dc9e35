"""How tasks, people and figures look in a file or a pipe: tabs between cells, values in full.

The same methods as `views.Views`, without rich, which takes longer to load than all the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tasktracker_cli.gateway.models import Stats, Task, User
from tasktracker_cli.terminal.text import cell, visible, visible_lines


class PlainViews:
    """Renders objects as lines of text."""

    def tasks(self, tasks: Iterable[Task]) -> Iterator[str]:
        header = True
        for task in tasks:
            if header:
                yield cells("ID", "TITLE", "STATUS", "PRIORITY", "DUE")
            header = False
            due = _moment(task.due) if task.due else "-"
            yield cells(task.id, task.title, task.status, task.priority, due)

    def task(self, task: Task) -> str:
        facts = {
            "Status": task.status,
            "Priority": task.priority,
            "Due": _moment(task.due) if task.due else "-",
            "Created": _moment(task.created),
            "Updated": _moment(task.updated),
        }
        lines = [f"#{task.id} {visible(task.title)}", _facts(facts)]
        return "\n".join(
            lines + (["", *visible_lines(task.description)] if task.description else [])
        )

    def user(self, user: User, origin: str) -> str:
        facts = {
            "Username": user.username,
            "Full name": user.full_name or "-",
            "Email": user.email,
            "Gateway": origin,
        }
        return _facts(facts)

    def stats(self, stats: Stats) -> str:
        facts = {
            "Tasks": stats.total,
            "Done": f"{stats.completed} ({stats.percentage:g}%)",
            "Overdue": stats.overdue,
            "Status": _counts(stats.by_status),
            "Priority": _counts(stats.by_priority),
        }
        return _facts(facts)


def columns(
    fields: Sequence[str], raws: Iterable[Mapping[str, Any]], headings: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the fields, under their own names unless there are headings."""
    yield cells(*(headings or fields))
    for raw in raws:
        yield cells(*(raw.get(name) for name in fields))


def cells(*values: object) -> str:
    """Return a line with the values in full, and tabs between them."""
    # A tab inside a text is written out by `visible`, so that `cut -f2` is always the title.
    return "\t".join(visible(cell(value)) for value in values)


def _facts(facts: Mapping[str, object]) -> str:
    return "\n".join(cells(*fact) for fact in facts.items())


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{value} {count}" for value, count in counts.items())


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
