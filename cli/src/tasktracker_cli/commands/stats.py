"""stats."""

from __future__ import annotations

import typer

from tasktracker_cli.commands.options import StatsCommand
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session

app = typer.Typer()


@app.command(cls=StatsCommand)
def stats(ctx: typer.Context) -> None:
    """Show how many tasks you have, and how many are done.

    \b
    Examples:
      tasktracker-cli stats
      tasktracker-cli stats --jq .completion_percentage
    """
    session: Session = ctx.obj
    raw = session.client.stats()
    session.output.record(raw, lambda: session.views.stats(models.stats(raw)))
