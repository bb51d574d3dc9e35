"""`top`: a live view of the cluster's figures."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tasktracker_cli.admin import figures, keyboard
from tasktracker_cli.admin.commands.options import ReportCommand
from tasktracker_cli.admin.errors import AdminError
from tasktracker_cli.admin.figures import Look
from tasktracker_cli.admin.site import Site
from tasktracker_cli.session import Session
from tasktracker_cli.terminal.text import visible

app = typer.Typer()

Raw = Mapping[str, Any]
COLUMNS = ("NAME", "INSTANCES", "REQUESTS/S", "ERRORS %", "P95 MS", "MEMORY MIB", "CONNECTIONS")


class TopCommand(ReportCommand):
    """Prints figures."""

    fields = tuple(figures.Figures.__dataclass_fields__)


@app.command(cls=TopCommand)
def top(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Print the figures once, and end.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.5, max=3600, metavar="SECONDS", help="Between two looks.")
    ] = 2,
) -> None:
    """Show instances, health, requests, errors, memory and connections, until q or Ctrl-C.

    Requests are those that a service answered since the look before, the cluster's own checks left
    out. In a pipe, or with an output format: once.

    \b
    Examples:
      sudo tasktracker-cli admin top
      sudo tasktracker-cli admin top --once --json
    """
    session: Session = ctx.obj
    site = Site.from_environment()
    before = figures.look(site)
    is_live = session.output.choices.for_people and sys.stdout.isatty() and not once
    if not is_live:
        time.sleep(interval)
        rows = figures.between(before, figures.look(site))
        session.output.choices.pager = False
        session.output.records(map(asdict, rows), lambda raws: iter([_table(raws)]))
        return
    with suppress(KeyboardInterrupt, EOFError):
        _watch(site, before, interval)


def _watch(site: Site, before: Look, interval: float) -> None:
    console = Console()
    with (
        Live(Text("Looking ..."), console=console, screen=True, auto_refresh=False) as live,
        keyboard.keys() as pressed,
    ):
        for frame in _frames(site, before):
            live.update(frame, refresh=True)
            if pressed(interval).lower() == "q":
                return


def _frames(site: Site, before: Look) -> Iterator[RenderableType]:
    while True:
        try:
            after = figures.look(site)
            rows = map(asdict, figures.between(before, after))
            yield Group(_table(rows), "", Text("q ends.", "dim"))
            before = after
        except AdminError as error:  # the next look may succeed
            yield Text(visible(f"{error.message} {error.hint}"), "red")


def _table(rows: Iterable[Raw]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="left" if number == 0 else "right")
    table.add_column("HEALTH")
    for row in rows:
        measured = list(row.values())[3:]
        health = Text(visible(row["health"]), "green" if row["health"] == "passing" else "red")
        cells = ["-" if value is None else f"{value:g}" for value in measured]
        table.add_row(row["name"], row["instances"], *cells, health)
    return table
