"""task create, list, show, update, edit, complete, reopen, delete, import, export."""

from __future__ import annotations

import typer

from tasktracker_cli.commands.options import GatewayCommand, TaskCommand, TaskListCommand
from tasktracker_cli.commands.task import change, create, delete, edit, listing, transfer

app = typer.Typer()
app.command(cls=TaskCommand)(create.create)
app.command("list", cls=TaskListCommand)(listing.list_)
app.command(cls=TaskCommand)(listing.show)
app.command(cls=TaskCommand)(change.update)
app.command(cls=TaskCommand)(edit.edit)
app.command(cls=TaskCommand)(change.complete)
app.command(cls=TaskCommand)(change.reopen)
app.command(cls=GatewayCommand)(delete.delete)
app.command("import", cls=transfer.ImportCommand)(transfer.import_)
app.command(cls=GatewayCommand)(transfer.export)
