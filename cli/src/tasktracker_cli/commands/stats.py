"""stats."""

from __future__ import annotations

import typer

from tasktracker_cli import models
from tasktracker_cli.commands.options import GatewayCommand, Json
from tasktracker_cli.session import Session

app = typer.Typer()


@app.command(cls=GatewayCommand)
def stats(ctx: typer.Context, as_json: Json = False) -> None:
    """Show how many tasks you have, and how many are done."""
    session: Session = ctx.obj
    raw = session.client.stats()
    if as_json:
        session.output.json(raw)
    else:
        session.output.show(session.views.stats(models.stats(raw)))
