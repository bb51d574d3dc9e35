"""task import, task export."""

from __future__ import annotations

from typing import Annotated

import typer

from tasktracker_cli.commands.options import DataCommand, GatewayCommand
from tasktracker_cli.transfer.parsers import FileFormat, format_of

app = typer.Typer()

FormatOption = Annotated[
    FileFormat | None,
    typer.Option("--format", help="How it is written; if not given, what the file's name says."),
]


class ImportCommand(DataCommand):
    """Prints how many rows became what."""

    fields = ("rows", "created", "already_there", "deleted_since", "failed", "failed_file")
    key = ""


@app.command("import", cls=ImportCommand)
def import_(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - is standard input.")],
    format_: FormatOption = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Make what this file made before and was deleted since."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the whole file, and send nothing.")
    ] = False,
) -> None:
    """Create tasks from a JSON, NDJSON or CSV file.

    The fields are title, description, status, priority, due_date and is_completed; a due date
    without an offset is in your time zone. Nothing is sent unless the whole file is right.

    Run it again after a failure, a crash or Ctrl-C: what an earlier run of the same, unchanged
    file made within 24 hours is not made again, even if you have deleted it since, unless you say
    --again. After that, or in a changed file, it is new.

    \b
    Examples:
      tasktracker-cli task import tasks.csv --dry-run
      tasktracker-cli task import tasks.csv
      tasktracker-cli task import tasks.csv --again
      other-program | tasktracker-cli task import - --format ndjson
    """
    from tasktracker_cli.transfer import importing

    if not dry_run:
        ctx.obj.journal.forget()  # `undo` must not take back what was changed before the import.
    importing.run(ctx.obj, file, format_of(file, format_), again=again, dry_run=dry_run)


@app.command(cls=GatewayCommand)
def export(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The file; - is standard output.")
    ] = "-",
    format_: FormatOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there already.")
    ] = False,
) -> None:
    """Write all your tasks, oldest first, to a JSON, NDJSON or CSV file.

    A pipe or a device is written to; a link stays, and the file that it leads to is replaced.
    Standard output gets JSON unless --format says otherwise. For some of the tasks or fields, use:
    task list --all --output FORMAT.

    \b
    Examples:
      tasktracker-cli task export tasks.csv
      tasktracker-cli task export --format ndjson | gzip > tasks.ndjson.gz
    """
    from tasktracker_cli.transfer import exporting

    is_piped = exporting.is_standard_output(file)
    chosen = FileFormat.JSON if is_piped and format_ is None else format_of(file, format_)
    exporting.run(ctx.obj, file, chosen, force=force)
