"""task today, task next: what to do now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer

from tasktracker_cli.commands.options import TaskListCommand
from tasktracker_cli.commands.task.listing import OPEN, Sort, TaskQuery, show_list, show_tasks
from tasktracker_cli.dates.due import whole
from tasktracker_cli.session import Session

app = typer.Typer()

SOME = 10  # tasks


@app.command(cls=TaskListCommand)
def today(ctx: typer.Context) -> None:
    """List what is due today or overdue, and not done.

    The earliest comes first.

    \b
    Examples:
      tasktracker-cli task today
      tasktracker-cli task today --quiet | tasktracker-cli task update - --due tomorrow
    """
    session: Session = ctx.obj
    show_list(session, _due_today(None), "Nothing is due today. See: tasktracker-cli task next")


@app.command("next", cls=TaskListCommand)
def next_(
    ctx: typer.Context,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="How many tasks at most.")
    ] = SOME,
) -> None:
    """List what to do next: the most urgent of what is open.

    First what is due today or overdue, the earliest first; then the rest, by priority.

    \b
    Examples:
      tasktracker-cli task next
      tasktracker-cli task next -n 1 --json
    """
    session: Session = ctx.obj
    show_tasks(session, islice(_urgent(session, limit), limit), "Nothing is open.")


def _due_today(limit: int | None) -> TaskQuery:
    tomorrow = whole(datetime.now(UTC).astimezone().date()).after()
    filters = {"due_before": tomorrow.isoformat(), "sort": str(Sort.DUE)}
    return TaskQuery(filters, OPEN, limit)


def _urgent(session: Session, limit: int) -> Iterator[Any]:
    """Yield what is due, then what is open by priority; each task once."""
    due = set()
    for page in _due_today(limit).pages(session.tasks):
        for raw in page.tasks:
            due.add(raw.get("id"))
            yield raw
    # The tasks given above may come again.
    rest = TaskQuery({"sort": str(Sort.PRIORITY_HIGH)}, OPEN, limit + len(due))
    for page in rest.pages(session.tasks):
        yield from (raw for raw in page.tasks if raw.get("id") not in due)
