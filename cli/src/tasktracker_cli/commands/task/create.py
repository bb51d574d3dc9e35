"""task create."""

from __future__ import annotations

from typing import Annotated

import typer

from tasktracker_cli.commands.options import TaskCommand
from tasktracker_cli.commands.task import preview
from tasktracker_cli.commands.task.arguments import (
    Description,
    DescriptionFile,
    DryRun,
    DueOption,
    PriorityOption,
    StatusOption,
    described,
    given_fields,
)
from tasktracker_cli.editing.journal import Step
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session

app = typer.Typer()


@app.command(cls=TaskCommand)
def create(
    ctx: typer.Context,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What is to be done.")],
    description: Description = None,
    description_file: DescriptionFile = None,
    status: StatusOption = None,
    priority: PriorityOption = None,
    due: DueOption = None,
    dry_run: DryRun = False,
) -> None:
    """Create a task.

    \b
    Examples:
      tasktracker-cli task create "Water the plants" --due "tomorrow 5pm"
      tasktracker-cli task create "Pay rent" --priority high --due 2030-12-31
      git log -1 --format=%b | tasktracker-cli task create "Review" --description-file -
      id=$(tasktracker-cli task create "Call Ada" --quiet)
    """
    session: Session = ctx.obj
    fields = given_fields(
        session,
        title=title,
        description=described(description, description_file),
        status=status,
        priority=priority,
        due=due,
    )
    if dry_run:
        session.tasks  # noqa: B018 - a login is asked for as it would be
        preview.show(session, [preview.request("POST", "/tasks/", fields)])
        return
    created = session.tasks.create(fields)
    task = models.task(created.raw)
    session.journal.add(Step(task.id, "created", created.etag))
    session.output.say(f"Created task {task.id}.")
    session.output.record(created.raw, lambda: session.views.task(task))
