"""`open`: the pages of the agents and of the gateway."""

import os
import webbrowser
from enum import StrEnum
from typing import Annotated

import typer

from tasktracker_cli.session import Session
from tasktracker_cluster.urls import OBSERVING_PAGES, WEB_PAGES

app = typer.Typer()

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


PAGES = {page.name: page for page in (*WEB_PAGES, *OBSERVING_PAGES)}
# mypy reads the members of a literal only.
Page = StrEnum("Page", {name.upper(): name for name in PAGES})  # type: ignore[misc]


@app.command("open")
def open_page(
    ctx: typer.Context,
    page: Annotated[Page, typer.Argument(metavar="PAGE", help=f"Which page: {', '.join(PAGES)}.")],
    only_print: Annotated[bool, typer.Option("--print", help="Open nothing.")] = False,
) -> None:
    """Print the address of a page, and open it where there is a display.

    \b
    Examples:
      tasktracker-cli admin open consul
      tasktracker-cli admin open docs --print
    """
    session: Session = ctx.obj
    url = PAGES[page].page
    session.output.show(url)
    if not only_print and any(os.environ.get(name) for name in DISPLAYS):
        webbrowser.open(url)
