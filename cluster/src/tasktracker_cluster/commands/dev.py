"""`dev`: the services without Nomad, for development."""

from contextlib import suppress

import typer

from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.dev import session
from tasktracker_cluster.urls import WEB_PAGES

app = typer.Typer()


@app.command()
def dev() -> None:
    """Run the services by hand, with hot reload and without root, until Ctrl-C.

    \b
    Example: tasktracker-cli admin dev
    """
    site = session.site()
    with (
        reporting() as steps,
        session.running(site, steps) as process,
        suppress(KeyboardInterrupt),
    ):
        for page in WEB_PAGES:
            if page.name != "nomad":
                line = f"{page.title:<8} {page.url:<22} {page.about}"
                steps.console.print(line, highlight=False)
        steps.console.print(
            f"\nReloads on every save. Other logs: {site.logs}. Ctrl-C ends it.\n",
            highlight=False,
            soft_wrap=True,
        )
        session.serve(site, process, steps)
