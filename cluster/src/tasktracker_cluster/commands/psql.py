"""`psql`: a database's own shell."""

import os
from enum import StrEnum
from typing import Annotated

import typer

from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.jobs.tasks import Task
from tasktracker_cluster.site import Site

app = typer.Typer()


class Database(StrEnum):
    USER = "user"
    TASK = "task"


class Role(StrEnum):
    """As whom to act: the superuser, the schema's owner, or what the application may do."""

    SUPERUSER = "superuser"
    OWNER = "owner"
    APP = "app"


@app.command(context_settings={"ignore_unknown_options": True})
def psql(
    database: Annotated[Database, typer.Argument(help="Whose database.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- PSQL ARGUMENTS]", help="For psql itself.")
    ] = None,
    role: Annotated[Role, typer.Option(help="As whom to act.")] = Role.SUPERUSER,
) -> None:
    """Open psql inside the database's own task; no port is opened for it.

    \b
    Examples:
      sudo tasktracker-cli admin psql task
      sudo tasktracker-cli admin psql user --role app -- -c 'select count(*) from users'
      sudo tasktracker-cli admin psql task -- --csv -c 'table tasks' > tasks.csv
    """
    site = Site.from_environment()
    task = Task.find(site, f"{database}-db", "postgres")
    settings = [f"TERM={os.environ.get('TERM', 'dumb')}"]  # the task itself has no terminal
    if role is not Role.SUPERUSER:
        settings.append(f"PGOPTIONS=-c role={database}_{role}")
    words = ["/usr/bin/env", *settings, *postgres.psql(site, f"{database}-db"), *(arguments or [])]
    command = task.command(words, interactive=True)
    # In this process's place: Ctrl-C and the exit code are psql's.
    os.execve(command[0], command, task.environment)  # noqa: S606 - no shell is wanted
