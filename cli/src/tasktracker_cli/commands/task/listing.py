"""task list, task show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from tasktracker_cli.commands.options import TaskListCommand
from tasktracker_cli.commands.task.arguments import Ids, PriorityOption, StatusOption, read_ids
from tasktracker_cli.commands.task.several import each
from tasktracker_cli.editing.due import Due, parse_due
from tasktracker_cli.errors import UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session

app = typer.Typer()

DEFAULT_LIMIT = 50


class Sort(StrEnum):
    """The orders of the API; a minus reverses."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    DUE = "due_date"
    DUE_LAST = "-due_date"
    PRIORITY = "priority"
    PRIORITY_HIGH = "-priority"
    TITLE = "title"
    TITLE_REVERSED = "-title"


@app.command("list", cls=TaskListCommand)
def list_(
    ctx: typer.Context,
    status: StatusOption = None,
    priority: PriorityOption = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Only with this text in title or description."),
    ] = None,
    overdue: Annotated[
        bool | None,
        typer.Option("--overdue/--not-overdue", help="Only those that are overdue, or are not."),
    ] = None,
    due_before: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only due before then; a day is left out.")
    ] = None,
    due_after: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only due after then; a day is left out.")
    ] = None,
    sort: Annotated[Sort | None, typer.Option(help="In which order; a minus reverses.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help=f"How many tasks at most: {DEFAULT_LIMIT}."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every task, however many.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep the list up to date until Ctrl-C.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.5, metavar="SECONDS", help="How often --watch looks.")
    ] = 2.0,
) -> None:
    """List your tasks, newest first.

    \b
    Examples:
      tasktracker-cli task list --status todo --priority high
      tasktracker-cli task list --due-before "next monday" --sort due_date
      tasktracker-cli task list --all --output csv --fields id,title > tasks.csv
      tasktracker-cli task list --watch
    """
    session: Session = ctx.obj
    if all_ and limit is not None:
        raise UsageError("--all and --limit contradict each other.", "Give one of them.")
    if search == "":
        raise UsageError("--search is empty.", "Give a text that the tasks have, or leave it out.")
    filters = _filters(status, priority, search, overdue, due_before, due_after, sort)
    most = None if all_ else limit or DEFAULT_LIMIT
    if watch:
        from tasktracker_cli.commands.task import watching

        watching.watch(session, filters, most, every)
    else:
        _print(session, filters, most)


@app.command(cls=TaskListCommand)
def show(ctx: typer.Context, ids: Ids) -> None:
    """Show tasks in full.

    \b
    Examples:
      tasktracker-cli task show 7
      tasktracker-cli task show 3 5 --output yaml
    """
    session: Session = ctx.obj
    numbers = read_ids(session.output, ids)
    each(session, numbers, lambda number: session.tasks.get(number).raw, in_full=True)


def _print(session: Session, filters: dict[str, str], limit: int | None) -> None:
    more = False

    def arriving() -> Iterator[Any]:
        nonlocal more
        for page in session.tasks.pages(filters, limit):
            more = page.more
            yield from page.tasks

    count = session.output.records(
        arriving(), lambda raws: session.views.tasks(map(models.task, raws))
    )
    if not count and session.output.choices.for_people:
        session.output.note(_nothing(filters))
    if more:
        session.output.note(
            f"There are more tasks than {limit}: see them with a higher --limit, or --all."
        )


def _filters(
    status: StrEnum | None,
    priority: StrEnum | None,
    search: str | None,
    overdue: bool | None,
    due_before: str | None,
    due_after: str | None,
    sort: Sort | None,
) -> dict[str, str]:
    """Return the query of the API's list for what was given."""
    filters = {
        "status": status and str(status),
        "priority": priority and str(priority),
        "q": search,
        "overdue": None if overdue is None else str(overdue).lower(),
        "due_before": None if due_before is None else _when(due_before).before().isoformat(),
        "due_after": None if due_after is None else _when(due_after).after().isoformat(),
        "sort": sort and str(sort),
    }
    return {name: value for name, value in filters.items() if value is not None}


def _when(text: str) -> Due:
    return parse_due(text, datetime.now(UTC))


def _nothing(filters: dict[str, str]) -> str:
    if filters.keys() - {"sort"}:
        return "No task fits. See all with: tasktracker-cli task list"
    return 'No tasks yet. Create one with: tasktracker-cli task create "..."'
