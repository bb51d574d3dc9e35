"""task delete."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tasktracker_cli.commands.options import GatewayCommand
from tasktracker_cli.commands.task import preview
from tasktracker_cli.commands.task.arguments import DryRun, Ids, read_ids
from tasktracker_cli.commands.task.batch import raise_worst, results
from tasktracker_cli.editing.journal import Step
from tasktracker_cli.errors import CliError, UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.gateway.tasks import Version
from tasktracker_cli.session import Session
from tasktracker_cli.terminal.text import visible

app = typer.Typer()


@app.command(cls=GatewayCommand)
def delete(
    ctx: typer.Context,
    ids: Ids,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Delete tasks. For 30 days they can be restored.

    \b
    Examples:
      tasktracker-cli task delete 7
      tasktracker-cli task list --status done --all --quiet | tasktracker-cli task delete - --yes
    """
    session: Session = ctx.obj
    numbers = read_ids(session.output, ids)
    failures: list[CliError] = []
    etags = dict.fromkeys(numbers, "")
    if dry_run or not yes:
        if not (dry_run or sys.stdin.isatty() or "-" in ids):
            raise _no_terminal()
        seen = _look(session, numbers, failures)
        etags = {int(version.raw["id"]): version.etag for version in seen}
    if dry_run:
        requests = [
            preview.request("DELETE", f"/tasks/{number}", None, etags[number]) for number in etags
        ]
        preview.show(session, requests)
        raise_worst(failures)
        return
    if not yes and etags and not _confirmed(len(etags), piped="-" in ids):
        raise CliError("Nothing was deleted.")

    def remove(number: int) -> None:
        # Only the shown state is deleted: a task that has changed since then stays.
        session.tasks.delete(number, etags[number])
        session.journal.add(Step(number, "deleted"))
        session.output.say(f"Deleted task {number}.")

    list(results(session, list(etags), remove, failures))
    raise_worst(failures)


def _look(session: Session, numbers: Sequence[int], failures: list[CliError]) -> list[Version]:
    seen = list(results(session, numbers, session.tasks.get, failures))
    for version in seen:
        task = models.task(version.raw)
        typer.echo(f"{task.id}  {visible(task.title)}", err=True)
    return seen


def _confirmed(count: int, *, piped: bool) -> bool:
    """Ask the user; on the terminal itself where standard input has brought the ids."""
    what = "this task" if count == 1 else f"these {count} tasks"
    question = f"Delete {what}?"
    if not piped:
        return typer.confirm(question, err=True)
    try:
        with open("/dev/tty", "r+b", buffering=0) as terminal:
            terminal.write(f"{question} [y/N]: ".encode())
            reply = terminal.readline()
    except OSError:
        raise _no_terminal() from None
    return reply.strip().lower() in {b"y", b"yes"}


def _no_terminal() -> UsageError:
    return UsageError("There is no terminal to ask on.", "Use --yes to delete without asking.")
