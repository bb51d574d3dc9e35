"""task restore, task undo."""

from __future__ import annotations

from typing import Any

import typer

from tasktracker_cli.commands.options import GatewayCommand, TaskCommand
from tasktracker_cli.commands.task import preview
from tasktracker_cli.commands.task.arguments import DryRun, Ids, read_ids
from tasktracker_cli.commands.task.batch import each, raise_worst, results
from tasktracker_cli.editing.journal import Step
from tasktracker_cli.errors import CliError
from tasktracker_cli.session import Session

app = typer.Typer()


@app.command(cls=TaskCommand)
def restore(ctx: typer.Context, ids: Ids, dry_run: DryRun = False) -> None:
    """Bring deleted tasks back; one that is there stays.

    \b
    Examples:
      tasktracker-cli task restore 7
      tasktracker-cli task list --deleted --quiet | tasktracker-cli task restore -
    """
    session: Session = ctx.obj
    numbers = read_ids(session.output, ids)
    if dry_run:
        session.tasks  # noqa: B018 - a login is asked for as it would be
        preview.show(
            session, [preview.request("POST", f"/tasks/{number}/restore") for number in numbers]
        )
        return

    def act(number: int) -> Any:
        was_there = session.tasks.exists(number)
        restored = session.tasks.restore(number)
        if not was_there:
            session.journal.add(Step(number, "restored", restored.etag))
        session.output.say(f"Restored task {number}.")
        return restored.raw

    each(session, numbers, act)


@app.command(cls=GatewayCommand)
def undo(ctx: typer.Context, dry_run: DryRun = False) -> None:
    """Undo what the last command here changed.

    What it created is deleted, what it deleted is restored, what it changed gets its earlier
    values back. A task that has changed since then stays as it is. An import is not undone.

    \b
    Example:
      tasktracker-cli task undo
    """
    session: Session = ctx.obj
    session.tasks  # noqa: B018 - a login is needed, even with nothing to undo
    steps = {step.task_id: step for step in reversed(session.journal.load())}
    if not steps:
        raise CliError(
            "There is nothing to undo.",
            "See what was deleted with: tasktracker-cli task list --deleted",
        )
    if dry_run:
        preview.show(session, [_request(step) for step in steps.values()])
        return
    left = dict(steps)
    failures: list[CliError] = []

    def act(number: int) -> None:
        del left[number]  # Tried again only if the gateway gave no answer.
        try:
            session.output.say(_undo(session, steps[number]))
        except CliError as error:
            if error.status is None:
                left[number] = steps[number]
            raise

    try:
        list(results(session, list(steps), act, failures))
    finally:
        _keep(session, left)
    raise_worst(failures)


def _undo(session: Session, step: Step) -> str:
    """Undo one step; return what was done."""
    number = step.task_id
    match step.kind:
        case "deleted":
            session.tasks.restore(number)
            return f"Restored task {number}."
        case "changed":
            session.tasks.update(number, step.before, step.etag)
            return f"Changed task {number} back: {', '.join(step.before)}."
        case _:
            session.tasks.delete(number, step.etag)
            return f"Deleted task {number} again."


def _request(step: Step) -> dict[str, Any]:
    path = f"/tasks/{step.task_id}"
    match step.kind:
        case "deleted":
            return preview.request("POST", f"{path}/restore")
        case "changed":
            return preview.request("PATCH", path, step.before, step.etag)
        case _:
            return preview.request("DELETE", path, None, step.etag)


def _keep(session: Session, left: dict[int, Step]) -> None:
    if left:
        session.journal.keep(reversed(left.values()))
    else:
        session.journal.forget()
