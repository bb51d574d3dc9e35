"""task list, task show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasktracker_cli.commands.options import TaskListCommand
from tasktracker_cli.commands.task.arguments import Ids, PriorityOption, read_ids
from tasktracker_cli.commands.task.batch import each
from tasktracker_cli.editing.fields import Status
from tasktracker_cli.errors import UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.gateway.tasks import Page, Tasks
from tasktracker_cli.session import Session
from tasktracker_cli.settings import LIST

if TYPE_CHECKING:
    from tasktracker_cli.dates.due import Due

app = typer.Typer()

DEFAULT_LIMIT = 50
OPEN = (str(Status.TODO), str(Status.IN_PROGRESS))


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


@dataclass(frozen=True)
class TaskQuery:
    """Which tasks are listed: `limit` at most, or all; of any status if there is none."""

    filters: Mapping[str, str]
    statuses: tuple[str, ...]
    limit: int | None

    def pages(self, tasks: Tasks) -> Iterator[Page]:
        """Yield the tasks as they arrive."""
        return tasks.pages(self.filters, self.limit, self.statuses)


@app.command("list", cls=TaskListCommand)
def list_(
    ctx: typer.Context,
    status: Annotated[
        list[Status] | None,
        typer.Option("--status", "-s", case_sensitive=False, help="Only these; may be repeated."),
    ] = None,
    open_: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Only what is not done, or tasks of every status."),
    ] = None,
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
    deleted: Annotated[
        bool, typer.Option("--deleted", help="Only deleted tasks, which can be restored.")
    ] = False,
    sort: Annotated[Sort | None, typer.Option(help="In which order; a minus reverses.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", min=1, metavar="N", help=f"How many tasks at most: {DEFAULT_LIMIT}."
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", "-a", help="Every task, however many.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep the list up to date until Ctrl-C.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.5, metavar="SECONDS", help="How often --watch looks.")
    ] = 2.0,
) -> None:
    """List your tasks, newest first.

    `tasktracker-cli config set list open` leaves out of the table what is done; other formats
    list it all the same.

    \b
    Examples:
      tasktracker-cli task list --open --sort due_date
      tasktracker-cli task list -s todo -s in_progress --priority high
      tasktracker-cli task list --due-before "next monday" --sort due_date
      tasktracker-cli task list --all --output csv --fields id,title > tasks.csv
      tasktracker-cli task list --watch
      tasktracker-cli task list --deleted
    """
    session: Session = ctx.obj
    if all_ and limit is not None:
        raise UsageError("--all and --limit contradict each other.", "Give one of them.")
    if search == "":
        raise UsageError("--search is empty.", "Give a text that the tasks have, or leave it out.")
    if deleted and not status and open_ is None:
        open_ = False  # The setting does not apply to deleted tasks.
    before, after = _when(session, due_before), _when(session, due_after)
    query = TaskQuery(
        _filters(priority, search, overdue, before, after, sort, deleted=deleted),
        _statuses(session, status or [], open_),
        None if all_ else limit or DEFAULT_LIMIT,
    )
    if watch:
        from tasktracker_cli.commands.task import watching

        watching.run(session, query, every)
    else:
        show_list(session, query)


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


def show_list(session: Session, query: TaskQuery, nothing: str = "") -> None:
    """Print the tasks as they arrive; `nothing` is told if there are none."""
    more = False

    def arriving() -> Iterator[Any]:
        nonlocal more
        for page in query.pages(session.tasks):
            more = page.more
            yield from page.tasks

    show_tasks(session, arriving(), nothing or _nothing(query))
    if more:
        session.output.note(
            f"There are more tasks than {query.limit}: see them with a higher --limit, or --all."
        )


def show_tasks(session: Session, raws: Iterable[Any], nothing: str) -> None:
    """Print these tasks; tell people if there are none."""
    count = session.output.records(raws, lambda raws: session.views.tasks(map(models.task, raws)))
    if not count and session.output.choices.for_people:
        session.output.note(nothing)


def _statuses(session: Session, chosen: Sequence[Status], open_: bool | None) -> tuple[str, ...]:
    """Return the statuses that were asked for, or that the table has by the user's setting."""
    if chosen and open_ is not None:
        raise UsageError("--status and --open contradict each other.", "Give one of them.")
    if chosen:
        return tuple(dict.fromkeys(map(str, chosen)))
    if open_ is None and session.output.choices.for_people:
        open_ = session.settings.get(LIST) == "open"
    return OPEN if open_ else ()


def _filters(
    priority: StrEnum | None,
    search: str | None,
    overdue: bool | None,
    due_before: Due | None,
    due_after: Due | None,
    sort: Sort | None,
    *,
    deleted: bool,
) -> dict[str, str]:
    """Return the query of the API's list for what was given."""
    filters = {
        "priority": priority and str(priority),
        "q": search,
        "overdue": None if overdue is None else str(overdue).lower(),
        "due_before": due_before.before().isoformat() if due_before else None,
        "due_after": due_after.after().isoformat() if due_after else None,
        "sort": sort and str(sort),
        "deleted": "true" if deleted else None,
    }
    return {name: value for name, value in filters.items() if value is not None}


def _when(session: Session, text: str | None) -> Due | None:
    if text is None:
        return None
    from tasktracker_cli.dates.reading import parse_due

    return parse_due(text, datetime.now(UTC), session.date_order)


def _nothing(query: TaskQuery) -> str:
    if "deleted" in query.filters:
        return "No deleted task fits. They are kept for 30 days."
    if query.filters.keys() - {"sort"} or query.statuses:
        return "No task fits. See all with: tasktracker-cli task list --no-open"
    return 'No tasks yet. Create one with: tasktracker-cli task create "..."'
