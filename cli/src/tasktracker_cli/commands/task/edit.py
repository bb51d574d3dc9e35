"""task edit."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tasktracker_cli import environment
from tasktracker_cli.commands.options import TaskCommand
from tasktracker_cli.commands.task import preview
from tasktracker_cli.commands.task.arguments import DryRun, due_date, read_id
from tasktracker_cli.editing import conflicts, draft
from tasktracker_cli.editing.conflicts import CHANGEABLE, differences
from tasktracker_cli.editing.editor import DraftFile
from tasktracker_cli.editing.journal import changed
from tasktracker_cli.errors import CliError, ConflictError, UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.gateway.tasks import Version
from tasktracker_cli.session import Session

app = typer.Typer()


@app.command(cls=TaskCommand)
def edit(
    ctx: typer.Context,
    task_id: Annotated[str, typer.Argument(metavar="ID", help="The task's number.")],
    from_: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Start with the text in this file."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Change a task in your editor: VISUAL, EDITOR, or one that is there.

    When you save and close, your changes are sent. Without a change nothing is sent. After any
    error your text is kept, and a message says where.

    \b
    Examples:
      tasktracker-cli task edit 7
      EDITOR="code --wait" tasktracker-cli task edit 7
    """
    session: Session = ctx.obj
    number = read_id(task_id)
    version = session.tasks.get(number)
    text = draft.write(version.raw, version.etag) if from_ is None else _kept(from_, version)
    draft_file = DraftFile(environment.state_dir() / "drafts", f"task-{number}", text)
    try:
        saved = _edit(session, number, version, draft_file, dry_run=dry_run)
    except BaseException:
        _keep(session, number, draft_file, text)
        raise
    if saved:
        draft_file.discard()
    else:
        _keep(session, number, draft_file, text)


def _edit(
    session: Session, number: int, version: Version, draft_file: DraftFile, *, dry_run: bool
) -> bool:
    """Let the user edit until what is written can be saved; return whether it was."""
    while True:
        text = draft_file.edit()
        changes: dict[str, Any] = {}
        try:
            changes = draft.changes(text, version.raw, lambda due: due_date(session, due))
            return _send(session, number, version, changes, dry_run=dry_run)
        except UsageError as error:
            draft_file.write(draft.annotated(text, [f"{error.message} {error.hint}"]))
            _ask_to_go_on(session, error)
        except ConflictError as error:
            if error.status != 412:
                raise
            now = session.tasks.get(number)
            theirs = differences(version.raw, now.raw)
            remarks = [f"Changed by someone else meanwhile: {change}" for change in theirs]
            # The others' changes, and on top of them the user's.
            draft_file.write(draft.write({**now.raw, **changes}, now.etag, remarks))
            _ask_to_go_on(session, error)
            version = now


def _send(
    session: Session, number: int, version: Version, changes: Mapping[str, Any], *, dry_run: bool
) -> bool:
    if not changes:
        session.output.note("Nothing was changed.")
        return True
    if dry_run:
        preview.show(session, [preview.request("PATCH", f"/tasks/{number}", changes, version.etag)])
        return False
    after = conflicts.update(session.tasks, version, changes, session.output.note)
    session.journal.add(changed(version, changes, after))
    session.output.say(f"Updated task {number}.")
    session.output.record(after.raw, lambda: session.views.task(models.task(after.raw)))
    return True


def _ask_to_go_on(session: Session, error: CliError) -> None:
    """Go on if the user wants to, at a terminal; otherwise end with the error."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise error
    session.output.error(error)
    if not typer.confirm("Edit it again?", default=True, err=True):
        raise type(error)  # It was reported already.


def _kept(file: Path, version: Version) -> str:
    """Return the text that was kept, with what is new about the task since then on top."""
    try:
        text = file.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    if draft.is_of(text, version.etag):
        return text
    facts = [f"{name}: {version.raw.get(name)}" for name in CHANGEABLE]
    return draft.annotated(text, ["The task has changed since this was written. It is now", *facts])


def _keep(session: Session, number: int, draft_file: DraftFile, text: str) -> None:
    """Tell where the user's text is, or remove the file if there is nothing new in it."""
    if draft_file.read() == text:
        draft_file.discard()
        return
    session.output.note(
        f"Your text is kept in {draft_file.path}."
        f" Go on with: tasktracker-cli task edit {number} --from {draft_file.path}"
    )
