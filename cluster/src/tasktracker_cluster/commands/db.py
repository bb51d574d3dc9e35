"""`db switchover`: the members of the databases."""

from typing import Annotated

import typer

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.commands.psql import Database
from tasktracker_cluster.errors import UnfitMachineError
from tasktracker_cluster.jobs import numbers
from tasktracker_cluster.jobs import switchover as switching
from tasktracker_cluster.machine import preflight
from tasktracker_cluster.topology import DATABASES

app = typer.Typer(help="The members of the databases.", no_args_is_help=True)

Which = Annotated[Database | None, typer.Argument(help="Which database. Without it: both.")]


@app.command()
def switchover(database: Which = None) -> None:
    """Make a replica the leader of a database. Nothing is lost, and writes wait for seconds.

    \b
    Examples:
      sudo tasktracker-cli admin db switchover
      sudo tasktracker-cli admin db switchover task
    """
    preflight.must_be_root("db switchover")
    cluster = Cluster.from_environment()
    supervisor.must_run(cluster.site)
    if not cluster.site.node.is_first:
        raise UnfitMachineError(
            "This machine has joined a cluster.",
            f"Switch over on its first machine, {cluster.site.node.first}.",
        )
    with reporting() as steps:
        for name in [f"{database}-db"] if database else [each.name for each in DATABASES]:
            with steps.step(f"switchover of {name}") as step:
                leader = switching.switch(cluster, name).name
                step.detail = f"{leader} leads, on {numbers.machine(cluster.consul, leader)}"
