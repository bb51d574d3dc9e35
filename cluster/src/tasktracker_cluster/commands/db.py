"""`db switchover`: the members of the databases."""

import typer

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.commands.psql import Which, names_of
from tasktracker_cluster.jobs import numbers
from tasktracker_cluster.jobs import switchover as switching
from tasktracker_cluster.machine import preflight

app = typer.Typer(help="The members of the databases.", no_args_is_help=True)


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
    command = f"tasktracker-cli admin db switchover {database or ''}"
    preflight.must_be_first(cluster.site, command.rstrip())
    supervisor.must_run(cluster.site)
    with reporting() as steps:
        for name in names_of(database):
            with steps.step(f"switchover of {name}") as step:
                leader = switching.switch(cluster, name).name
                step.detail = f"{leader} leads, on {numbers.machine(cluster.consul, leader)}"
