"""`status` and `doctor`: the health of the cluster, and what is broken."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any

import typer
from rich.text import Text

from tasktracker_cli.session import Session
from tasktracker_cli.terminal.text import visible
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.commands.options import ReportCommand
from tasktracker_cluster.commands.tables import Cell, fraction, with_nodes
from tasktracker_cluster.doctor import first_machine, hops, paths
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.machine import preflight
from tasktracker_cluster.mesh.requests import LIMIT_SECONDS
from tasktracker_cluster.monitoring import of_first, status
from tasktracker_cluster.urls import observing_pages

app = typer.Typer()

Raw = Mapping[str, Any]

MARKS = {"ok": ("✓", "green"), "broken": ("✗", "bold red"), "skipped": ("·", "dim")}
HEADINGS = ("KIND", "NAME", "STATE", "INSTANCES", "HEALTH")
HOP_WIDTH = 39  # the width of the longest name of a hop


class StatusCommand(ReportCommand):
    """Prints agents, jobs and alerts."""

    fields = ("kind", "name", "state", "running", "wanted", "health", "nodes")


class DoctorCommand(ReportCommand):
    """Prints hops."""

    fields = ("path", "hop", "state", "detail", "repair")
    key = "hop"


@app.command("status", cls=StatusCommand)
def show_status(ctx: typer.Context) -> None:
    """Show agents, jobs, instances and health. Exit 1 unless all are healthy.

    After `observe` it also shows the alerts that fire.

    In a cluster of several machines it shows the agents of this machine, whether those of each
    machine answer and lead, and where instances run. On a machine that has joined, the first one
    tells of backups and alerts.

    \b
    Example: sudo tasktracker-cli admin status --json
    """
    session: Session = ctx.obj
    with reporting():
        cluster = Cluster.at_once()
        rows = status.rows(cluster)
        warnings = status.warnings(cluster) if rows else []
        pages = observing_pages({row.name for row in rows})
        rows += of_first.rows(cluster, rows) if rows else []
    nodes = [row.nodes for row in rows]
    shown = with_nodes(HEADINGS, map(_cells, rows), nodes, terminal=session.output.terminal)
    session.output.records(map(asdict, rows), lambda _: shown)
    if not rows:
        session.output.note("There is no cluster on this machine yet. Start one with: ./just up")
    elif not any(row.kind == "agent" and row.is_well for row in rows):
        session.output.note("No agent of this machine answers. Start the cluster with: ./just up")
    for page in pages:
        session.output.note(f"{page.title}: {page.page}")
    for warning in warnings:
        session.output.note(warning)
    if not rows or not all(row.is_well for row in rows):
        raise typer.Exit(1)


@app.command(cls=DoctorCommand)
def doctor(ctx: typer.Context) -> None:
    """Find the first broken hop of a request, and its repair.

    The hops are the machine, its agents, Traefik, its certificate and its routes, the intentions,
    the sidecars, the applications, the databases and their schema, the jobs that install releases,
    those of `observe`, and the backups if they are on. Hops behind a broken one are skipped. Exit 0
    when every hop works, else 1.

    The request enters at the gateway of this machine, and its instances are on any. On a machine
    that has joined, the first machine checks the rest, and its answer is the last path.

    \b
    Examples:
      sudo tasktracker-cli admin doctor
      sudo tasktracker-cli admin doctor --json
    """
    session: Session = ctx.obj
    preflight.must_be_root("doctor")
    cluster = Cluster.at_once(timeout=LIMIT_SECONDS)
    broken: list[hops.Finding] = []

    def findings() -> Iterator[Raw]:
        own = hops.diagnose(paths.all_paths(cluster))
        for finding in chain(own, first_machine.findings(cluster)):
            broken.extend([finding] if finding.state == "broken" else [])
            yield asdict(finding)

    session.output.choices.pager = False  # a pager would delay the lines
    session.output.records(findings(), _hops)
    if broken:
        first = broken[0]
        raise BrokenHopError(
            f"First broken hop: {first.path}, {first.hop}: {first.detail}.",
            f"Repair: {first.repair}",
        )
    session.output.say("Every hop works.")


def _cells(row: status.Row) -> list[Cell]:
    health = (row.health, "green" if row.is_well else "red")
    return [row.kind, row.name, row.state, fraction(row.running, row.wanted), health]


def _hops(findings: Iterable[Raw]) -> Iterator[Text]:
    path = ""
    for each in findings:
        if each["path"] != path:
            path = each["path"]
            yield Text(path, "bold")
        mark, style = MARKS[each["state"]]
        hop = f" {each['hop']:<{HOP_WIDTH}} " if each["detail"] else f" {each['hop']}"
        yield Text.assemble("  ", (mark, style), hop, (visible(each["detail"]), "dim"))
