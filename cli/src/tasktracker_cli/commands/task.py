"""task create, list, show, update, complete, reopen, delete."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from tasktracker_cli import models
from tasktracker_cli.commands.options import GatewayCommand, TaskCommand, TaskListCommand
from tasktracker_cli.due import parse_due
from tasktracker_cli.errors import CliError, UsageError
from tasktracker_cli.session import Session
from tasktracker_cli.text import visible

app = typer.Typer()


class Status(StrEnum):
    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


TaskId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The task's number.")]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="More about the task.")]
StatusOption = Annotated[Status | None, typer.Option(help="How far the task is.")]
PriorityOption = Annotated[Priority | None, typer.Option(help="How much the task matters.")]
Due = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="When it is due: 2030-12-31, 'tomorrow 5pm', fri, +3d, 'in 2 weeks'."
        " A day means its end.",
    ),
]


@app.command(cls=TaskCommand)
def create(
    ctx: typer.Context,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What is to be done.")],
    description: Description = None,
    status: StatusOption = None,
    priority: PriorityOption = None,
    due: Due = None,
) -> None:
    """Create a task."""
    fields = _fields(title, description, status, priority, due)
    _show(ctx.obj, ctx.obj.client.create_task(fields), "Created task {id}.")


@app.command("list", cls=TaskListCommand)
def list_(
    ctx: typer.Context,
    status: StatusOption = None,
    priority: PriorityOption = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many tasks at most.")] = 50,
) -> None:
    """List your tasks, newest first."""
    session: Session = ctx.obj
    filters = _fields(status=status, priority=priority)
    raw, more = session.client.list_tasks(filters, limit)
    shown = session.output.records(raw, lambda raws: session.views.tasks(map(models.task, raws)))
    if not shown and session.output.choices.for_people:
        session.output.note(_nothing(filters))
    if more:
        session.output.note(f"There are more tasks than {limit}: see them with a higher --limit.")


@app.command(cls=TaskCommand)
def show(ctx: typer.Context, task_id: TaskId) -> None:
    """Show one task."""
    _show(ctx.obj, ctx.obj.client.get_task(task_id))


@app.command(cls=TaskCommand)
def update(
    ctx: typer.Context,
    task_id: TaskId,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="What is to be done.")] = None,
    description: Description = None,
    no_description: Annotated[
        bool, typer.Option("--no-description", help="Remove the description.")
    ] = False,
    status: StatusOption = None,
    priority: PriorityOption = None,
    due: Due = None,
    no_due: Annotated[bool, typer.Option("--no-due", help="Remove the due date.")] = False,
) -> None:
    """Change a task; what you do not name stays as it is."""
    if (due is not None and no_due) or (description is not None and no_description):
        raise UsageError("An option and its --no-... contradict each other.", "Give one of them.")
    changes = _fields(title, description, status, priority, due)
    cleared = {"description": no_description, "due_date": no_due}
    changes |= {name: None for name, clear in cleared.items() if clear}
    if not changes:
        raise UsageError("Nothing to change.", "Say what, for example with --title or --status.")
    _show(ctx.obj, ctx.obj.client.update_task(task_id, changes), "Updated task {id}.")


@app.command(cls=TaskCommand)
def complete(ctx: typer.Context, task_id: TaskId) -> None:
    """Mark a task as done."""
    _show(ctx.obj, ctx.obj.client.complete_task(task_id), "Completed task {id}.")


@app.command(cls=TaskCommand)
def reopen(ctx: typer.Context, task_id: TaskId) -> None:
    """Mark a task as not done."""
    _show(ctx.obj, ctx.obj.client.reopen_task(task_id), "Reopened task {id}.")


@app.command(cls=GatewayCommand)
def delete(
    ctx: typer.Context,
    task_id: TaskId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a task for good."""
    session: Session = ctx.obj
    if not yes:
        _confirm(session, task_id)
    session.client.delete_task(task_id)
    session.output.say(f"Deleted task {task_id}.")


def _fields(
    title: str | None = None,
    description: str | None = None,
    status: Status | None = None,
    priority: Priority | None = None,
    due: str | None = None,
) -> dict[str, Any]:
    """Return the fields that were given, under the API's names."""
    fields = {
        "title": title,
        "description": description,
        "status": status,
        "priority": priority,
        "due_date": None if due is None else str(parse_due(due, datetime.now(UTC))),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _show(session: Session, raw: Any, done: str = "") -> None:
    task = models.task(raw)
    if done:
        session.output.say(done.format(id=task.id))
    session.output.record(raw, lambda: session.views.task(task))


def _nothing(filters: dict[str, Any]) -> str:
    if filters:
        return "No task fits. See all with: tasktracker-cli task list"
    return 'No tasks yet. Create one with: tasktracker-cli task create "..."'


def _confirm(session: Session, task_id: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on.", "Use --yes to delete without asking.")
    title = models.task(session.client.get_task(task_id)).title
    if not typer.confirm(f"Delete task {task_id}, {visible(title)}?", err=True):
        raise CliError("Nothing was deleted.")
