"""task update, complete, reopen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from tasktracker_cli.commands.options import TaskCommand
from tasktracker_cli.commands.task import preview
from tasktracker_cli.commands.task.arguments import (
    Description,
    DescriptionFile,
    DryRun,
    DueOption,
    Ids,
    PriorityOption,
    StatusOption,
    described,
    given_fields,
    read_ids,
)
from tasktracker_cli.commands.task.batch import each
from tasktracker_cli.editing import conflicts
from tasktracker_cli.editing.journal import changed
from tasktracker_cli.errors import UsageError
from tasktracker_cli.gateway.tasks import Version
from tasktracker_cli.session import Session

app = typer.Typer()


@app.command(cls=TaskCommand)
def update(
    ctx: typer.Context,
    ids: Ids,
    title: Annotated[
        str | None, typer.Option("--title", "-t", metavar="TEXT", help="What is to be done.")
    ] = None,
    description: Description = None,
    description_file: DescriptionFile = None,
    no_description: Annotated[
        bool, typer.Option("--no-description", help="Remove the description.")
    ] = False,
    status: StatusOption = None,
    priority: PriorityOption = None,
    due: DueOption = None,
    no_due: Annotated[
        bool, typer.Option("--no-due", help="Remove the due date, as --due none does.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Change tasks; other fields stay as they are.

    If somebody else changes a task at the same moment, in other fields, both changes are kept.
    In the same field theirs stays, and you are told what it is.

    \b
    Examples:
      tasktracker-cli task update 7 --due "next monday" --priority high
      tasktracker-cli task update 3 5 7 --status in_progress
      tasktracker-cli task list --overdue --quiet | tasktracker-cli task update - --due today
    """
    session: Session = ctx.obj
    if description_file == "-" and "-" in ids:
        raise UsageError("Standard input cannot be both ids and description.", "Give one of them.")
    description = described(description, description_file)
    if (due is not None and no_due) or (description is not None and no_description):
        raise UsageError("An option and its --no-... contradict each other.", "Give one of them.")
    changes = given_fields(
        session,
        title=title,
        description=description,
        status=status,
        priority=priority,
        due="none" if no_due else due,
    )
    if no_description:
        changes["description"] = None
    if not changes:
        raise UsageError("Nothing to change.", "Say what, for example with --title or --status.")
    if dry_run:
        preview.show_each(
            session,
            read_ids(session.output, ids),
            lambda number, etag: preview.request("PATCH", f"/tasks/{number}", changes, etag),
        )
        return

    def change(seen: Version) -> Version:
        return conflicts.update(session.tasks, seen, changes, session.output.note)

    _each(session, ids, "Updated", changes, change)


@app.command(cls=TaskCommand)
def complete(ctx: typer.Context, ids: Ids, dry_run: DryRun = False) -> None:
    """Mark tasks as done.

    \b
    Examples:
      tasktracker-cli task complete 7
      tasktracker-cli task complete 3 5 7
    """
    session: Session = ctx.obj
    if dry_run:
        _dry(session, ids, "complete")
    else:
        _each(session, ids, "Completed", ["status"], _by_number(session.tasks.complete))


@app.command(cls=TaskCommand)
def reopen(ctx: typer.Context, ids: Ids, dry_run: DryRun = False) -> None:
    """Mark tasks as not done.

    \b
    Example:
      tasktracker-cli task reopen 7
    """
    session: Session = ctx.obj
    if dry_run:
        _dry(session, ids, "incomplete")
    else:
        _each(session, ids, "Reopened", ["status"], _by_number(session.tasks.reopen))


def _by_number(action: Callable[[int], Version]) -> Callable[[Version], Version]:
    return lambda seen: action(int(seen.raw["id"]))


def _each(
    session: Session,
    ids: list[str],
    done: str,
    fields: Iterable[str],
    action: Callable[[Version], Version],
) -> None:
    """Do the action, which changes these fields, to each task as it is seen just before."""

    def act(task_id: int) -> Any:
        seen = session.tasks.get(task_id)
        after = action(seen)
        if after.etag != seen.etag:
            session.journal.add(changed(seen, fields, after))
        session.output.say(f"{done} task {task_id}.")
        return after.raw

    each(session, read_ids(session.output, ids), act)


def _dry(session: Session, ids: list[str], call: str) -> None:
    preview.show_each(
        session,
        read_ids(session.output, ids),
        lambda number, _: preview.request("PATCH", f"/tasks/{number}/{call}"),
    )
