"""What Tab suggests for a value: quickly, and nothing after an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from tasktracker_cli.errors import CliError
from tasktracker_cli.terminal.choices import Format

if TYPE_CHECKING:
    from tasktracker_cli.session import Session

PATIENCE = 1.5  # seconds to wait for an answer after Tab
SOME = 50  # tasks


def profile_names(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Suggest profiles, each with its address."""
    session: Session = ctx.obj
    try:
        profiles = session.profiles.all()
    except CliError:
        return []
    return [(one.name, one.url) for one in profiles if one.name.startswith(incomplete)]


def formats_of_data(incomplete: str) -> list[str]:
    """Suggest formats for data."""
    return [one for one in Format if one.startswith(incomplete)]


def listed(values: Sequence[str], incomplete: str) -> list[str]:
    """Suggest one more value for a list with commas."""
    before, comma, begun = incomplete.rpartition(",")
    there = before.split(",")
    more = (one for one in values if one.startswith(begun) and one not in there)
    return [f"{before}{comma}{one}" for one in more]


def task_ids(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Suggest the newest tasks by number, each with its title."""
    session: Session = ctx.obj
    from tasktracker_cli.gateway.tasks import Tasks

    try:
        newest = Tasks(session.connect(session.access, PATIENCE)).pages({}, SOME)
        tasks = [(str(raw.get("id")), str(raw.get("title"))) for raw in next(newest).tasks]
    except CliError:
        return []
    return [task for task in tasks if task[0].startswith(incomplete)]
