"""`observe`: metrics, dashboards and alerts of the running cluster."""

import os
from typing import Annotated

import typer

from tasktracker_cluster import observing
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.jobs import observers
from tasktracker_cluster.urls import observing_pages

app = typer.Typer()


@app.command()
def observe(
    off: Annotated[bool, typer.Option("--off", help="Take them away again.")] = False,
    no_webhook: Annotated[
        bool, typer.Option("--no-webhook", help="Send alerts nowhere any more.")
    ] = False,
    traces: Annotated[
        bool,
        typer.Option("--traces", help="Store traces, too. The gateway is restarted for it."),
    ] = False,
    sampling: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="With --traces: the share of requests traced unasked, such as 0.01.",
        ),
    ] = 0,
) -> None:
    """Add metrics, dashboards and alerts to the running cluster.

    The first time, their programs are built with Go, which takes minutes. What they store stays
    until `destroy`.

    Alerts are sent to the URL in TASKTRACKER_ALERTS_WEBHOOK, in the form that Alertmanager takes.
    It is stored: without the variable, the last one is used.

    With --traces, `tasktracker-cli --trace COMMAND` shows the way of its requests. Its program
    takes ten more minutes to build. Traces stay until `--off` or `down`.

    \b
    Examples:
      sudo tasktracker-cli admin observe
      sudo --preserve-env=TASKTRACKER_ALERTS_WEBHOOK tasktracker-cli admin observe
      sudo tasktracker-cli admin observe --traces --sampling 0.01
      sudo tasktracker-cli admin observe --off
    """
    # Not an option: everybody can read a command line.
    webhook = "" if no_webhook else os.environ.get("TASKTRACKER_ALERTS_WEBHOOK") or None
    cluster = Cluster.from_environment()
    with reporting() as steps:
        if off:
            observing.stop(cluster, steps)
            steps.console.print("Nothing observes the cluster any more. The data are kept.")
            return
        observing.start(cluster, steps, webhook, sampling if traces else None)
        pages = observing_pages(observers.running(cluster))
    for page in pages:
        typer.echo(f"{page.title:<10} {page.page:<48} {page.about}")
