"""`rebuild`: a new cluster from backups alone."""

from pathlib import Path
from typing import Annotated

import typer

from tasktracker_cli.session import Session
from tasktracker_cluster import lifecycle
from tasktracker_cluster.backups import restic
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.backup import parse_time
from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.commands.options import ReportCommand
from tasktracker_cluster.commands.tables import table

app = typer.Typer()

HEADINGS = ("DATABASE", "TABLE", "ROWS")


class RebuildCommand(ReportCommand):
    """Prints the rows of tables."""

    fields = ("database", "table", "rows")
    key = "table"


@app.command(cls=RebuildCommand)
def rebuild(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Option("--from", metavar="PLACE", help="A repository, or copies of one.")
    ],
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="The key of copies, if it is those."
        ),
    ] = None,
    backups: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A new folder, for the backups from copies."),
    ] = None,
    to: Annotated[
        str, typer.Option(metavar="TIME", help="ISO 8601, of this machine's zone if it has none.")
    ] = "",
) -> None:
    """Bring a cluster back on a machine that has none, from its backups alone.

    PLACE is the folder that `backup on --to` named, which has everything up to the last change
    that was received, or with --key the place that `backup on --copies` named. Accounts with their
    passwords, tasks and sessions are restored, and backups go on. All secrets of the cluster are
    made anew.

    \b
    Examples:
      sudo tasktracker-cli admin rebuild --from /mnt/backups/tasktracker
      sudo tasktracker-cli admin rebuild --from sftp:backup@other:/srv/tasktracker --key copies.key
    """
    session: Session = ctx.obj
    cluster = Cluster.from_environment()
    time = parse_time(to)
    place = restic.place(source)
    stored = restic.Store(place, key.absolute()) if key else Path(place)
    with reporting() as steps:
        restored = lifecycle.rebuild(
            cluster, steps, stored, backups.absolute() if backups else None, time
        )
        for each in restored:
            steps.console.print(f"{each.database}: last change {each.last_commit}")
        if key:
            steps.console.print("The backups are not copied yet: ./just backup on --copies PLACE")
    rows = [(each.database, name, count) for each in restored for name, count in each.rows.items()]
    shown = table(HEADINGS, rows, terminal=session.output.terminal)
    records = [dict(zip(RebuildCommand.fields, row, strict=True)) for row in rows]
    session.output.records(records, lambda _: shown)
