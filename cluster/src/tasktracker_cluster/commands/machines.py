"""`node list`, `drain`, `enable` and `remove`: the machines of the cluster."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tasktracker_cli.session import Session
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.commands.options import ReportCommand
from tasktracker_cluster.commands.tables import Cell, table
from tasktracker_cluster.errors import RefusedLeaveError
from tasktracker_cluster.machine import preflight
from tasktracker_cluster.membership import members, nodes, quorum, survey

app = typer.Typer(help="The machines of the cluster.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the machine.")]

HEADINGS = ("NAME", "ADDRESS", "SERVER", "AGENTS", "NOMAD", "INSTANCES")


class NodeListCommand(ReportCommand):
    """Prints machines."""

    fields = ("name", "address", "server", "leads", "agents", "nomad", "instances")


@app.command("list", cls=NodeListCommand)
def list_nodes(ctx: typer.Context) -> None:
    """List the machines: whether they are servers, answer, and take instances.

    \b
    Example: sudo tasktracker-cli admin node list
    """
    session: Session = ctx.obj
    with reporting():
        rows = survey.of_machines(Cluster.from_environment())
    shown = table(HEADINGS, map(_cells, map(asdict, rows)), terminal=session.output.terminal)
    session.output.records(map(asdict, rows), lambda _: shown)


@app.command()
def drain(name: Name) -> None:
    """Move a machine's instances to the others, and give it no new ones.

    \b
    Example: sudo tasktracker-cli admin node drain node-2
    """
    cluster = _of_first("drain", name)
    with reporting() as steps, steps.step(f"drain {name}"):
        nodes.drain(cluster, name)


@app.command()
def enable(name: Name) -> None:
    """Let a machine take instances again.

    \b
    Example: sudo tasktracker-cli admin node enable node-2
    """
    cluster = _of_first("enable", name)
    with reporting() as steps, steps.step(f"enable {name}"):
        nodes.enable(cluster, name)


@app.command()
def remove(name: Name) -> None:
    """Forget a machine that will not come back.

    It keeps its keys and certificates: delete its state there, or destroy its disk, before it
    starts again. A server that starts again votes again.

    \b
    Example: sudo tasktracker-cli admin node remove node-2
    """
    cluster = _of_first("remove", name)
    with reporting() as steps:
        if name == cluster.site.node.name:
            raise RefusedLeaveError(
                "This is the first machine: it cannot be removed.",
                "To delete everything: ./just destroy",
            )
        nodes.must_be_known(cluster, name)
        if name in members.alive(cluster.consul):
            raise RefusedLeaveError(f"{name} still answers.", "On that machine: ./just leave")
        quorum.must_spare(cluster, name)
        with steps.step(f"remove {name}"):
            nodes.forget(cluster, name)
        steps.console.print(f"{name} still has keys of the cluster. {nodes.KEPT_OUT}")


def _of_first(verb: str, name: str) -> Cluster:
    """Return the cluster whose first machine this is. Raises NotRootError, UnfitMachineError."""
    preflight.must_be_root(f"node {verb}")
    cluster = Cluster.from_environment()
    preflight.must_be_first(cluster.site, f"tasktracker-cli admin node {verb} {name}")
    return cluster


def _cells(row: Mapping[str, Any]) -> list[Cell]:
    return [
        str(row["name"]),
        str(row["address"]),
        "yes" if row["server"] else "no",
        str(row["agents"]),
        str(row["nomad"]),
        str(row["instances"]),
    ]
