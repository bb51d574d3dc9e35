"""`advertise`, `invite`, `join` and `leave`: from one machine to several."""

import sys
from typing import Annotated

import typer

from tasktracker_cluster import growing, lifecycle
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import confirm, reporting
from tasktracker_cluster.machine import preflight
from tasktracker_cluster.membership import sharing

app = typer.Typer()


@app.command()
def advertise(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="An IPv4 address of this machine.")
    ],
) -> None:
    """Let other machines join the running cluster of this machine at an address of it.

    \b
    Example: sudo tasktracker-cli admin advertise 10.0.0.1
    """
    with reporting() as steps:
        lifecycle.advertise(Cluster.from_environment(), steps, address)
        steps.console.print(f"Other machines can join at {address}. Next: ./just invite")


@app.command()
def invite() -> None:
    """Print a line with which one machine can join, once, within an hour.

    \b
    Example: sudo tasktracker-cli admin invite
    """
    preflight.must_be_root("invite")
    typer.echo(sharing.invite(Cluster.from_environment().site).text)


@app.command()
def join(
    line: Annotated[
        str,
        typer.Argument(
            metavar="LINE", help="What `invite` printed on the first machine. -: ask for it."
        ),
    ] = "-",
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The name of this machine in the cluster.")
    ] = "",
    address: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="The IPv4 address of this machine for the others."),
    ] = "",
) -> None:
    """Make this machine a part of another machine's cluster.

    Without a line, `join` asks for it, or reads it from a pipe. Every user of this machine can read
    an argument in the list of processes, for the minutes until the line is used.

    \b
    Examples:
      sudo tasktracker-cli admin join
      sudo tasktracker-cli admin join - < FILE
      sudo tasktracker-cli admin join tasktracker:10.0.0.1:4651:...
    """
    preflight.must_be_root("join")
    cluster = Cluster.from_environment()
    line = _read() if line == "-" else line
    with reporting() as steps:
        growing.join(cluster, steps, line, name, address)
        steps.console.print(
            f"This machine is {cluster.site.node.name} after {steps.elapsed:.1f} s."
        )


def _read() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Join line (not shown)", hide_input=True, err=True))
    return sys.stdin.readline()


@app.command()
def leave(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Move this machine's instances to the others, and take it out of the cluster.

    \b
    Example: sudo tasktracker-cli admin leave --yes
    """
    cluster = Cluster.from_environment()
    with reporting():
        growing.must_be_able_to_leave(cluster.site)
    if not yes:
        confirm(f"Leave the cluster and delete {cluster.site.home}?")
    with reporting() as steps:
        growing.leave(cluster, steps)
        steps.console.print("This machine has left the cluster.")
