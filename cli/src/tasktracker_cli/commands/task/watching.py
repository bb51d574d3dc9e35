"""task list --watch: the list, kept up to date on a terminal or told as changes to a program."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tasktracker_cli.commands.task.listing import TaskQuery
from tasktracker_cli.errors import NotFoundError, UnavailableError, UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session
from tasktracker_cli.terminal.choices import Format
from tasktracker_cli.terminal.sink import can_redraw


@dataclass(frozen=True)
class Watch:
    """Which tasks are looked at, every so many seconds."""

    session: Session
    query: TaskQuery
    every: float

    def look(self) -> tuple[list[Any], bool]:
        """Return the tasks as they are now, and whether there are more than the limit."""
        pages = list(self.query.pages(self.session.tasks))
        return [raw for page in pages for raw in page.tasks], pages[-1].more

    def about(self, now: datetime, *, more: bool) -> str:
        """Say when the last look was, and of how many tasks if not all."""
        some = f"The first {self.query.limit} tasks, every" if more else "Every"
        return f"{some} {self.every:g} s, last at {now.astimezone():%H:%M:%S}. Ctrl-C ends."


def run(session: Session, query: TaskQuery, every: float) -> None:
    """Look every so many seconds, until Ctrl-C, which is how it is meant to end."""
    choices = session.output.choices
    watch = Watch(session, query, every)
    with suppress(KeyboardInterrupt):
        if choices.format is Format.NDJSON:
            _tell_changes(watch)
        elif not (choices.for_people and session.output.terminal):
            raise UsageError(
                "--watch redraws a terminal.", "For a program, use it with --output ndjson."
            )
        elif can_redraw():
            _redraw(watch)
        else:
            _reprint(watch)


def _redraw(watch: Watch) -> None:
    from tasktracker_cli.terminal.screen import Screen

    with Screen() as screen:
        while True:
            now = datetime.now(UTC)
            try:
                raws, more = watch.look()
            except UnavailableError as error:
                # The old list stays on the screen, and the title says that it is old.
                again = f"Trying again every {watch.every:g} s. Ctrl-C ends."
                screen.title(f"{error.message} {again}")
            else:
                screen.show(watch.about(now, more=more), _picture(watch.session, raws, now))
            time.sleep(watch.every)


def _reprint(watch: Watch) -> None:
    """Print the list, and again below it whenever it has changed."""
    seen: object = None
    while True:
        now = datetime.now(UTC)
        try:
            raws, more = watch.look()
        except UnavailableError as error:
            if seen != error.message:
                watch.session.output.note(f"{error.message} Trying again every {watch.every:g} s.")
            seen = error.message
        else:
            if seen != raws:
                picture = _picture(watch.session, raws, now)
                watch.session.output.show(watch.about(now, more=more), *picture)
            seen = raws
        time.sleep(watch.every)


def _picture(session: Session, raws: list[Any], now: datetime) -> Iterator[Any]:
    from tasktracker_cli.terminal.views import Views, columns

    fields = session.output.choices.fields
    return columns(fields, raws) if fields else Views(now=now).tasks(map(models.task, raws))


def _tell_changes(watch: Watch) -> None:
    """Print every task once, again whenever it has changed, and a line when it has gone."""
    output = watch.session.output
    seen: dict[int, str] = {}
    while True:
        raws, _ = watch.look()
        for raw in raws:
            if seen.get(raw["id"]) != raw["updated_at"]:
                seen[raw["id"]] = raw["updated_at"]
                output.record(raw, lambda: "")
        for number in seen.keys() - {raw["id"] for raw in raws}:
            del seen[number]
            output.event({"event": _why_it_went(watch.session, number), "id": number})
        time.sleep(watch.every)


def _why_it_went(session: Session, number: int) -> str:
    """Return `deleted`, or `left` if the task exists and the list does not show it any more."""
    try:
        session.tasks.get(number)
    except NotFoundError:
        return "deleted"
    return "left"
