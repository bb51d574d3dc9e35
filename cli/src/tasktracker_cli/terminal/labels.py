"""The values of the API as people see them on a terminal: glyphs, words, colours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rich.text import Text

from tasktracker_cli.gateway.models import Task
from tasktracker_cli.terminal.relative_times import relative_time
from tasktracker_cli.terminal.text import visible

Labels = Mapping[str, tuple[str, str, str]]

# Value of the API: glyph, words, style.
STATUS: Labels = {
    "todo": ("○", "todo", "cyan"),
    "in_progress": ("◐", "in progress", "yellow"),
    "done": ("●", "done", "green"),
}
PRIORITY: Labels = {
    "low": ("▽", "low", "dim"),
    "medium": ("▷", "medium", ""),
    "high": ("▲", "high", "bold red"),
}


def label(labels: Labels, value: str, *, short: bool = False) -> Text:
    """Return the glyph, and the words unless it is to be short; an unknown value as it is."""
    if value not in labels:
        return Text(visible(value))
    glyph, words, style = labels[value]
    return Text(glyph if short else f"{glyph} {words}", style)


def due_text(task: Task, now: datetime) -> Text:
    """Return when a task is due, as people say it; red if it is late."""
    if task.due is None:
        return Text("-", "dim")
    style = "bold red" if is_late(task, now) else "dim" if task.status == "done" else ""
    return Text(relative_time(task.due, now), style)


def is_late(task: Task, now: datetime) -> bool:
    """Return whether the due date of a task that is not done has passed."""
    return task.due is not None and task.due < now and task.status != "done"
