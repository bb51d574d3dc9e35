"""task list --watch: the list, kept up to date on a terminal or told as changes to a program."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from tasktracker_cli.errors import UnavailableError, UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session
from tasktracker_cli.terminal.choices import Format


def watch(session: Session, filters: Mapping[str, str], limit: int | None, every: float) -> None:
    """Look every so many seconds, until Ctrl-C, which is how it is meant to end."""
    choices = session.output.choices
    with suppress(KeyboardInterrupt):
        if choices.format is Format.NDJSON:
            _tell_changes(session, filters, limit, every)
        elif choices.for_people and session.output.terminal:
            _redraw(session, filters, limit, every)
        else:
            raise UsageError(
                "--watch redraws a terminal.", "For a program, use it with --output ndjson."
            )


def _redraw(session: Session, filters: Mapping[str, str], limit: int | None, every: float) -> None:
    from tasktracker_cli.terminal.screen import Screen
    from tasktracker_cli.terminal.views import Views, columns

    fields = session.output.choices.fields
    with Screen() as screen:
        while True:
            now = datetime.now(UTC)
            title = f"Every {every:g} s, last at {now.astimezone():%H:%M:%S}. Ctrl-C ends."
            try:
                raws = _fetch(session, filters, limit)
            except UnavailableError as error:
                # What is on the screen stays: it is old, and the title says so.
                screen.title(f"{error.message} Trying again every {every:g} s. Ctrl-C ends.")
            else:
                tasks = (models.task(raw) for raw in raws)
                screen.show(title, columns(fields, raws) if fields else Views(now=now).tasks(tasks))
            time.sleep(every)


def _tell_changes(
    session: Session, filters: Mapping[str, str], limit: int | None, every: float
) -> None:
    """Print every task once, and again whenever it has changed."""
    seen: dict[int, str] = {}
    while True:
        for raw in _fetch(session, filters, limit):
            if seen.get(raw["id"]) != raw["updated_at"]:
                seen[raw["id"]] = raw["updated_at"]
                session.output.record(raw, lambda: "")
        time.sleep(every)


def _fetch(session: Session, filters: Mapping[str, str], limit: int | None) -> list[Any]:
    return [raw for page in session.tasks.pages(filters, limit) for raw in page.tasks]
