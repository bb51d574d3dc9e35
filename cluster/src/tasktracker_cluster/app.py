"""`tasktracker-cli admin`: the operator's commands."""

import typer

from tasktracker_cluster.commands import (
    backup,
    cluster,
    db,
    dev,
    growth,
    health,
    logs,
    machines,
    observe,
    pages,
    psql,
    rebuild,
    release,
    rotation,
    top,
    users,
)

app = typer.Typer(
    help="Run the cluster: bring it up, look at it, take it down.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

for noun in (
    cluster,
    growth,
    backup,
    rebuild,
    observe,
    health,
    top,
    logs,
    psql,
    pages,
    release,
    dev,
):
    app.add_typer(noun.app)
app.add_typer(rotation.former)
app.add_typer(rotation.app, name="rotate")
app.add_typer(machines.app, name="node")
app.add_typer(db.app, name="db")
app.add_typer(users.app, name="users")
