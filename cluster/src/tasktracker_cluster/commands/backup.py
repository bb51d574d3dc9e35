"""`backup on|off|now|copy|drill|key|list|verify` and `restore`: backups of the databases."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tasktracker_cli.session import Session
from tasktracker_cluster.agents import ownership
from tasktracker_cluster.backups import (
    copies,
    copying,
    drill,
    exchange,
    keeping,
    reception,
    recovery,
    repository,
    restic,
)
from tasktracker_cluster.backups.recovery import Restored
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import confirm, reporting
from tasktracker_cluster.commands.options import ReportCommand
from tasktracker_cluster.commands.psql import One, Which, names_of
from tasktracker_cluster.commands.tables import Cell, table
from tasktracker_cluster.errors import BadTimeError, NoBackupError, RestoreFailedError
from tasktracker_cluster.machine import preflight
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site

app = typer.Typer()
backup = typer.Typer(help="Backups of the databases.", no_args_is_help=True)
app.add_typer(backup, name="backup")


HEADINGS = ("DATABASE", "BACKUP", "COMPLETE SINCE", "MIB", "CHECKSUMS")
ROW_HEADINGS = ("TABLE", "RESTORED", "LIVE")


class RestoreCommand(ReportCommand):
    """Prints the rows of tables."""

    fields = ("table", "restored", "live")
    key = "table"


class BackupListCommand(ReportCommand):
    """Prints base backups."""

    fields = ("database", "name", "end", "size", "is_good")


@backup.command()
def on(
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where they are kept, best on another disk."),
    ] = None,
    copied_to: Annotated[
        str | None,
        typer.Option(
            "--copies",
            metavar="PLACE",
            help="Copy them, encrypted, to a folder or sftp:USER@HOST:/FOLDER. Empty: no more.",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="The key of copies that are there already.",
        ),
    ] = None,
) -> None:
    """Keep backups of both databases from now on, and make the first ones.

    With copies, everything that a new cluster needs is also in another place, encrypted.

    \b
    Examples:
      sudo tasktracker-cli admin backup on --to /mnt/backups/tasktracker
      sudo tasktracker-cli admin backup on --copies sftp:backup@other:/srv/tasktracker
    """
    preflight.must_be_root("backup on")
    cluster = Cluster.from_environment()
    ownership.must_own(cluster.site)
    with reporting() as steps:
        place = restic.place(copied_to) if copied_to else ""
        with ownership.locked(cluster.site):
            keeping.switch_on(cluster, steps, to.absolute() if to else None)
            steps.console.print("Backups are kept from now on. See: ./just backup list")
            if copied_to is not None:
                copying.switch(cluster.site, steps, place, key.absolute() if key else None)
        # Without the lock: the first copy may take hours, and a restore must not wait for it.
        if place:
            copying.copy(cluster, steps)
        if copied_to is not None:
            _say_of_copies(cluster.site, steps, place)


def _say_of_copies(site: Site, steps: Steps, place: str) -> None:
    if not place:
        steps.console.print("They are not copied any more. The copies that there are stay.")
        return
    steps.console.print(
        f"They are copied to {place}. Nobody can read the copies without their key: write it to a "
        "file, and keep that in another place: ./just backup key FILE",
        soft_wrap=True,
    )
    if copies.is_on_the_same_disk(site, place):
        steps.console.print(f"{place} is on the disk of {site.home}: it would be lost with it.")


@backup.command()
def off() -> None:
    """Keep no backups any more. Those that there are stay.

    \b
    Example: sudo tasktracker-cli admin backup off
    """
    preflight.must_be_root("backup off")
    cluster = Cluster.from_environment()
    ownership.must_own(cluster.site)
    with reporting() as steps, ownership.locked(cluster.site):
        keeping.switch_off(cluster, steps)
        steps.console.print(f"The backups stay in {cluster.site.repository.resolve()}.")


@backup.command()
def now(database: Which = None) -> None:
    """Make a base backup at once, and verify it. If backups are copied, copy it.

    \b
    Examples:
      sudo tasktracker-cli admin backup now
      sudo tasktracker-cli admin backup now task
    """
    preflight.must_be_root("backup now")
    cluster = Cluster.from_environment()
    with reporting() as steps:
        for name in names_of(database):
            with steps.step(f"backup of {name}"):
                keeping.back_up(cluster, name)
        if copies.is_on(cluster.site):
            copying.copy(cluster, steps)


@backup.command()
def copy(
    due: Annotated[
        bool, typer.Option("--due", help="Say nothing, and only do all after a base backup.")
    ] = False,
) -> None:
    """Copy the backups to the place that was named, delete old copies, and check them.

    This happens by itself after each base backup, and while much is written.

    \b
    Example: sudo tasktracker-cli admin backup copy
    """
    preflight.must_be_root("backup copy")
    cluster = Cluster.from_environment()
    if due:
        thorough = copying.is_thorough_due(cluster.site)
        copying.copy(cluster, Steps(Console(quiet=True)), thorough=thorough)
        return
    with reporting() as steps:
        copying.copy(cluster, steps)


@backup.command("drill")
def hold_drill(
    quietly: Annotated[bool, typer.Option("--quietly", help="Say nothing if all is well.")] = False,
) -> None:
    """Restore the newest backups for a trial, and compare all rows with the live databases.

    The databases go on. This happens by itself each week.

    \b
    Example: sudo tasktracker-cli admin backup drill
    """
    preflight.must_be_root("backup drill")
    cluster = Cluster.from_environment()
    repository.must_be_on(cluster.site)
    if quietly:
        drill.hold(cluster, Steps(Console(quiet=True)), names_of(None))
        return
    with reporting() as steps:
        drill.hold(cluster, steps, names_of(None))
        known = drill.last(cluster.site)
        steps.console.print(f"{known.rows if known else 0} rows are alike.")


@backup.command("key")
def write_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
) -> None:
    """Write the key of the copies to a file. Keep it in another place than this machine.

    \b
    Example: sudo tasktracker-cli admin backup key /mnt/safe/copies.key
    """
    preflight.must_be_root("backup key")
    copies.write_key(Cluster.from_environment().site, file.absolute())


@backup.command("list", cls=BackupListCommand)
def list_backups(ctx: typer.Context, database: Which = None) -> None:
    """List the base backups. A database can be restored to every second since the oldest one.

    \b
    Examples:
      sudo tasktracker-cli admin backup list
      sudo tasktracker-cli admin backup list task --json
    """
    session: Session = ctx.obj
    preflight.must_be_root("backup list")
    site = Cluster.from_environment().site
    with reporting():
        repository.must_be_on(site)
        found = [each for name in names_of(database) for each in repository.backups(site, name)]
    rows = [{**asdict(each), "end": each.end.isoformat()} for each in found]
    shown = table(HEADINGS, map(_cells, rows), terminal=session.output.terminal)
    session.output.records(rows, lambda _: shown)
    if not rows:
        session.output.note("There is no backup yet. Make one: ./just backup now")
    session.output.note(f"Drill: {drill.health(site).told}.")
    if copies.is_on(site):
        session.output.note(f"Copies in {copies.store(site).place}: {copies.health(site).told}.")


@backup.command()
def verify(database: Which = None) -> None:
    """Compare every base backup with its checksums, and the data of all copies.

    \b
    Example: sudo tasktracker-cli admin backup verify task
    """
    preflight.must_be_root("backup verify")
    site = Cluster.from_environment().site
    with reporting() as steps:
        repository.must_be_on(site)
        for name in names_of(database):
            known = repository.backups(site, name)
            if not known:
                raise NoBackupError(
                    f"There is no backup of {name} yet.", "Make one: ./just backup now"
                )
            for each in known:
                with steps.step(f"{name} {each.name}"):
                    recovery.verify(site, each)
        if database is None and copies.is_on(site):
            with steps.step("copies"):
                copying.verify(site)


@app.command(cls=RestoreCommand)
def restore(
    ctx: typer.Context,
    database: One,
    to: Annotated[
        str, typer.Option(metavar="TIME", help="ISO 8601, of this machine's zone if it has none.")
    ] = "",
    into: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Leave the data there. The live database goes on."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Restore a database to a time, or without one to its last change that is in a backup.

    It first restores beside the live database and counts rows. Then it stops the database, lets
    both data folders change places, and starts the database on the restored one. The services
    answer 503 meanwhile. The data that the database had are kept beside.

    \b
    Examples:
      sudo tasktracker-cli admin restore task --to "2026-11-27 14:03:20"
      sudo tasktracker-cli admin restore task --to 2026-11-27T14:03:20Z --into /srv/look
    """
    session: Session = ctx.obj
    preflight.must_be_root("restore")
    cluster = Cluster.from_environment()
    name, time = f"{database}-db", parse_time(to)
    ownership.must_own(cluster.site)
    with reporting() as steps, ownership.locked(cluster.site):
        if into is not None:
            exchange.must_be_new(into.absolute())
        else:
            exchange.must_be_possible(cluster)
        repository.must_be_on(cluster.site)
        missing = _missing(cluster, steps, name) if time is None else ""
        if missing and into is None:
            _may_be_missing(missing, yes=yes)
        with recovery.restored(cluster.site, steps, name, time) as restored:
            _compare(session, cluster, restored)
            if into is not None:
                exchange.place(restored, into.absolute())
                steps.console.print(f"The restored data are in {into.absolute()}.", soft_wrap=True)
                return
            if time is None and not repository.is_unbroken(cluster.site, restored.backup):
                _may_be_missing(f"The log since {restored.backup.name} has a hole.", yes=yes)
            if not yes:
                confirm(f"Replace {name} by the restored data?")
            before = exchange.bring_live(cluster, steps, restored)
        kept = f" Its old data are in {before}: delete them when all is well." if before else ""
        steps.console.print(f"{name} runs on the restored data.{kept}", soft_wrap=True)


def _missing(cluster: Cluster, steps: Steps, database: str) -> str:
    """Wait for the present log. Return in words what is missing, else nothing."""
    with steps.step("log received") as step:
        missing = step.detail = reception.missing(cluster, database)
    return missing


def _may_be_missing(what: str, *, yes: bool) -> None:
    """Ask whether to restore less than there is. Raises RestoreFailedError when nobody may ask."""
    if yes:
        raise RestoreFailedError(what, "Repeat it later, without --yes, or with --to.")
    confirm(f"{what} Restore without it?", "Repeat it on a terminal, or with --to.")


def parse_time(text: str) -> datetime | None:
    """Parse a time. Raises BadTimeError."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise BadTimeError(
            f"{text!r} is no time.", 'Write it like "2026-11-27 14:03:20" or 2026-11-27T14:03:20Z.'
        ) from None


def _compare(session: Session, cluster: Cluster, restored: Restored) -> None:
    live = recovery.live_counts(cluster.site, restored.database) or {}
    rows = [
        {"table": name, "restored": count, "live": live.get(name)}
        for name, count in restored.rows.items()
    ]
    shown = table(
        ROW_HEADINGS,
        [[name, count, live.get(name)] for name, count in restored.rows.items()],
        terminal=session.output.terminal,
    )
    session.output.records(rows, lambda _: shown)


def _cells(row: Mapping[str, Any]) -> list[Cell]:
    end = datetime.fromisoformat(row["end"]).astimezone()
    checked = ("right", "green") if row["is_good"] else ("not compared", "red")
    size = round(row["size"] / 2**20)
    return [row["database"], row["name"], f"{end:%Y-%m-%d %H:%M:%S}", size, checked]
