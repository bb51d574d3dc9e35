"""`dev`: the services by hand."""

from contextlib import suppress

import typer

from tasktracker_cluster.commands.console import talking
from tasktracker_cluster.dev import session
from tasktracker_cluster.urls import URLS

app = typer.Typer()


@app.command()
def dev() -> None:
    """Run the services by hand, with hot reload and without root, until Ctrl-C.

    \b
    Example: tasktracker-cli admin dev
    """
    site = session.site()
    with (
        talking() as steps,
        session.running(site, steps) as process,
        suppress(KeyboardInterrupt),
    ):
        for place in URLS:
            if place.name != "nomad":
                line = f"{place.title:<8} {place.url:<22} {place.about}"
                steps.console.print(line, highlight=False)
        steps.console.print(
            f"\nReloads on every save. Other logs: {site.logs}. Ctrl-C ends it.\n",
            highlight=False,
            soft_wrap=True,
        )
        session.serve(site, process, steps)
