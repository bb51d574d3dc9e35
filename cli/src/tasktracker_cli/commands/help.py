"""help: what concerns every command."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tasktracker_cli.topics import TOPICS

app = typer.Typer()

Topic = StrEnum("Topic", list(TOPICS))  # type: ignore[misc] # mypy wants the names spelt out


@app.command("help")
def help_(
    topic: Annotated[
        Topic | None,
        typer.Argument(metavar="TOPIC", help="The topic; without it, the list of topics."),
    ] = None,
) -> None:
    """Explain dates, exit codes, environment, output.

    \b
    Example:
      tasktracker-cli help exit-codes
    """
    if topic is not None:
        typer.echo(TOPICS[topic].text())
        return
    for name, about in TOPICS.items():
        typer.echo(f"tasktracker-cli help {name:<12} {about.title}")
