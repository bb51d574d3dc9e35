"""task import: a file is checked as a whole, sent row by row, and its failures are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tasktracker_cli.errors import CliError, UsageError
from tasktracker_cli.terminal import streams
from tasktracker_cli.terminal.text import counted
from tasktracker_cli.transfer.parsers import FileFormat
from tasktracker_cli.transfer.rows import SHOWN_FAULTS, InvalidFileError, Row, read
from tasktracker_cli.transfer.sending import Outcome, RowSender, digest

if TYPE_CHECKING:
    from tasktracker_cli.session import Session


@dataclass
class Tally:
    """How many rows there are, how many became what, and those that the gateway refused."""

    rows: int
    created: int = 0
    already_there: int = 0
    deleted_since: int = 0
    failed: list[Outcome] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.failed.append(outcome)
        elif outcome.deleted:
            self.deleted_since += 1
        elif outcome.replayed:
            self.already_there += 1
        else:
            self.created += 1


def run(session: Session, file: str, format_: FileFormat, *, again: bool, dry_run: bool) -> None:
    """Import the file; UsageError, before anything is sent, if any of its rows is wrong."""
    content = _content(file)
    rows = _checked(session, file, content, format_)
    tasks = session.tasks
    if dry_run:
        session.output.say(f"{file} is right: {counted(len(rows), 'task')}. Nothing was sent.")
        _print_summary(session, Tally(len(rows)), None)
        return
    tally = Tally(len(rows))
    try:
        sender = RowSender(tasks, digest(content), again=again, tell=session.output.note)
        _send(session, rows, sender, tally)
    except (CliError, KeyboardInterrupt):
        done = tally.created + tally.already_there
        session.output.note(
            f"At least {done:,} of {counted(len(rows), 'task')} are there. Run the same again"
            " within 24 hours: it continues there, and creates no task twice."
        )
        raise
    _report(session, file, tally)


def _content(file: str) -> bytes:
    try:
        return streams.read_bytes() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None


def _checked(session: Session, file: str, content: bytes, format_: FileFormat) -> list[Row]:
    try:
        return read("Standard input" if file == "-" else file, content, format_)
    except InvalidFileError as error:
        for fault in error.faults:
            session.output.note(fault)
        raise


def _send(session: Session, rows: Sequence[Row], sender: RowSender, tally: Tally) -> None:
    with session.output.progress("Importing", len(rows)) as progress:
        for outcome in sender.outcomes(rows):
            tally.count(outcome)
            progress.advance()


def _report(session: Session, file: str, tally: Tally) -> None:
    for outcome in tally.failed[:SHOWN_FAULTS]:
        session.output.note(f"line {outcome.row.line}: {outcome.error and outcome.error.message}")
    there = f"; {tally.already_there:,} there already" if tally.already_there else ""
    gone = f"; {tally.deleted_since:,} made before and deleted since" if tally.deleted_since else ""
    session.output.say(f"Created {counted(tally.created, 'task')}{there}{gone}.")
    if tally.deleted_since:
        session.output.note("Make what was deleted again with the same command and --again.")
    kept = _keep(file, tally.failed) if tally.failed else None
    _print_summary(session, tally, kept)
    if kept is not None:
        raise CliError(
            f"{counted(len(tally.failed), 'row')} refused, and kept in {kept}.",
            f"Mend that file, then: tasktracker-cli task import {kept}",
        )


def _print_summary(session: Session, tally: Tally, kept: Path | None) -> None:
    """Print the figures for programs; people were told."""
    if session.output.choices.for_people:
        return
    summary = {
        "rows": tally.rows,
        "created": tally.created,
        "already_there": tally.already_there,
        "deleted_since": tally.deleted_since,
        "failed": len(tally.failed),
        "failed_file": kept and str(kept),
    }
    session.output.record(summary, lambda: "")


def _keep(file: str, failed: Sequence[Outcome]) -> Path:
    """Write the rows that failed to a new file, which can be mended and imported."""
    lines = [f"{json.dumps(outcome.row.raw)}\n" for outcome in failed]
    base = Path("import" if file == "-" else file)
    number = 1
    while True:
        extra = "" if number == 1 else f"-{number}"
        path = base.with_name(f"{base.stem}.failed{extra}.ndjson")
        try:
            with path.open("x", encoding="utf-8") as out:
                out.writelines(lines)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise CliError(f"{path} cannot be written: {error.strerror}.") from None
        else:
            return path
