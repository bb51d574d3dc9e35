"""`top`: a live view of the cluster's figures."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from tasktracker_cli.session import Session
from tasktracker_cli.terminal.text import visible
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands import keyboard
from tasktracker_cluster.commands.options import ReportCommand
from tasktracker_cluster.commands.tables import Cell, fraction, with_nodes
from tasktracker_cluster.errors import AdminError
from tasktracker_cluster.monitoring import figures
from tasktracker_cluster.monitoring.figures import Snapshot

app = typer.Typer()

LIMIT_SECONDS = 5  # for one response; figures that take longer are left out

HEADINGS = (
    "NAME", "INSTANCES", "REQUESTS/S", "ERRORS %", "P95 MS", "MEMORY MIB", "CONNECTIONS", "HEALTH",
)  # fmt: skip


class TopCommand(ReportCommand):
    """Prints figures."""

    fields = tuple(figures.Figures.__dataclass_fields__)


@app.command(cls=TopCommand)
def top(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Print the figures once, and end.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.5, max=3600, metavar="SECONDS", help="Between two updates.")
    ] = 2,
) -> None:
    """Show instances, health, requests, errors, memory and connections, until q or Ctrl-C.

    Requests are counted since the last update, without the cluster's own checks. In a pipe, or with
    an output format, the figures are printed once.

    In a cluster of several machines a service's figures are of its instances on all of them, those
    of traefik of this machine's gateway, and connections those of the member that leads. A machine
    that has joined knows these only if it has that member.

    \b
    Examples:
      sudo tasktracker-cli admin top
      sudo tasktracker-cli admin top --once --json
    """
    session: Session = ctx.obj
    cluster = Cluster.at_once(timeout=LIMIT_SECONDS)
    before = figures.snapshot(cluster)
    is_live = session.output.choices.for_people and sys.stdout.isatty() and not once
    if not is_live:
        time.sleep(interval)
        rows = figures.between(before, figures.snapshot(cluster))
        session.output.choices.pager = False
        shown = _table(rows, terminal=session.output.terminal)
        session.output.records(map(asdict, rows), lambda _: shown)
        return
    with suppress(KeyboardInterrupt, EOFError):
        _watch(cluster, before, interval)


def _watch(cluster: Cluster, before: Snapshot, interval: float) -> None:
    console = Console()
    with (
        Live(Text("Measuring ..."), console=console, screen=True, auto_refresh=False) as live,
        keyboard.keys() as pressed,
    ):
        for frame in _frames(cluster, before):
            live.update(frame, refresh=True)
            if pressed(interval).lower() == "q":
                return


def _frames(cluster: Cluster, before: Snapshot) -> Iterator[RenderableType]:
    while True:
        try:
            after = figures.snapshot(cluster)
            shown = _table(figures.between(before, after), terminal=True)
            yield Group(*shown, "", Text("q ends.", "dim"))
            before = after
        except AdminError as error:  # the next snapshot may succeed
            yield Text(visible(error.told()), "red")


def _table(rows: Sequence[figures.Figures], *, terminal: bool) -> Iterator[RenderableType]:
    nodes = [row.nodes for row in rows]
    return with_nodes(HEADINGS, map(_cells, rows), nodes, terminal=terminal)


def _cells(row: figures.Figures) -> list[Cell]:
    measured = (
        row.requests_per_second,
        row.errors_percent,
        row.p95_ms,
        row.memory_mib,
        row.connections,
    )
    health = (row.health, "green" if row.health == "passing" else "red")
    return [row.name, fraction(row.running, row.wanted), *measured, health]
