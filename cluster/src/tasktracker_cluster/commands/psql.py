"""`psql`: a database's own shell."""

import os
from enum import StrEnum
from typing import Annotated

import typer

from tasktracker_cluster import topology
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import postgres, replication
from tasktracker_cluster.machine import preflight

app = typer.Typer()

# mypy reads the members of a literal only.
Database = StrEnum(  # type: ignore[misc]
    "Database", {each.noun.upper(): each.noun for each in topology.DATABASES}
)
_CHOICES = f"Which database: {', '.join(Database)}."
One = Annotated[Database, typer.Argument(metavar="DATABASE", help=_CHOICES)]
# The argument of commands that also take both.
Which = Annotated[
    Database | None,
    typer.Argument(metavar="DATABASE", help=f"{_CHOICES} Without it: both."),
]


class Role(StrEnum):
    """The PostgreSQL role: the superuser, the schema's owner, or the application's role."""

    SUPERUSER = "superuser"
    OWNER = "owner"
    APP = "app"


def names_of(database: Database | None) -> list[str]:
    """Return the name of a database's job, or of both."""
    return [f"{database}-db"] if database else [each.name for each in topology.DATABASES]


@app.command(context_settings={"ignore_unknown_options": True})
def psql(
    database: One,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- PSQL ARGUMENTS]", help="For psql itself.")
    ] = None,
    role: Annotated[Role, typer.Option(help="The PostgreSQL role to use.")] = Role.SUPERUSER,
    replica: Annotated[
        bool, typer.Option("--replica", help="Of a member that copies the leader: it only reads.")
    ] = False,
) -> None:
    """Open psql inside the database's own task, that of its leader. No port is opened for it.

    \b
    Examples:
      sudo tasktracker-cli admin psql task
      sudo tasktracker-cli admin psql user --role app -- -c 'select count(*) from users'
      sudo tasktracker-cli admin psql task --replica
      sudo tasktracker-cli admin psql task -- --csv -c 'table tasks' > tasks.csv
    """
    cluster = Cluster.from_environment()
    preflight.must_be_first(cluster.site, f"tasktracker-cli admin psql {database}")
    name = topology.database(f"{database}-db").name
    task = replication.task(cluster, name, replica=replica)
    settings = [f"TERM={os.environ.get('TERM', 'dumb')}"]  # it is not set in the task
    if role is not Role.SUPERUSER:
        settings.append(f"PGOPTIONS=-c role={database}_{role}")
    words = ["/usr/bin/env", *settings, *postgres.psql(task.site, name), *(arguments or [])]
    command = task.command(words, interactive=True)
    # psql replaces this process: it gets Ctrl-C, and its exit code is ours.
    os.execve(command[0], command, task.environment)  # noqa: S606 - no shell is wanted
