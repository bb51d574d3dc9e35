"""Arguments and options that mean the same in several of the task commands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasktracker_cli.commands.completers import task_ids
from tasktracker_cli.editing.fields import Priority, Status, validated_input
from tasktracker_cli.errors import UsageError
from tasktracker_cli.session import Session
from tasktracker_cli.terminal import streams
from tasktracker_cli.terminal.output import Output

if TYPE_CHECKING:
    from tasktracker_cli.dates.due import Due

LARGEST_ID = 2**31 - 1

Ids = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...",
        help="The tasks' numbers, as in 3 5 or 3,5; - reads them from standard input.",
        autocompletion=task_ids,
    ),
]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="More about the task.")]
DescriptionFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Read the description there; - is standard input."),
]
StatusOption = Annotated[
    Status | None,
    typer.Option("--status", "-s", case_sensitive=False, help="How far the task is."),
]
PriorityOption = Annotated[
    Priority | None,
    typer.Option("--priority", "-p", case_sensitive=False, help="How much the task matters."),
]
DueOption = Annotated[
    str | None,
    typer.Option(
        "--due",
        "-d",
        metavar="WHEN",
        help="When it is due: 2030-12-31, 'tomorrow 5pm', fri, +3d, 'in 2 weeks' or none."
        " A day means its end; see: help dates.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be sent, and change nothing.")
]


def read_ids(output: Output, words: list[str]) -> list[int]:
    """Return the numbers named, each once. Raises UsageError for what is not a number."""
    named = [name for word in words for name in _names(word)]
    if not named:
        output.note("There are no ids on standard input: nothing to do.")
    return list(dict.fromkeys(read_id(name) for name in named))


def _names(word: str) -> list[str]:
    if word == "-":
        return streams.read_text().replace(",", " ").split()
    return [name.strip() for name in word.split(",")]


def read_id(name: str) -> int:
    """Return the number of a task, written as 7 or #7. Raises UsageError for anything else."""
    digits = name.removeprefix("#")
    if digits.isascii() and digits.isdigit() and 1 <= int(digits[:11]) <= LARGEST_ID:
        return int(digits)
    raise UsageError(f"{name!r} is not the number of a task.", "See: tasktracker-cli task list")


def described(text: str | None, file: str | None) -> str | None:
    """Return the description, if one was given.

    Raises UsageError when two were given, or the file cannot be read.
    """
    if file is None:
        return text
    if text is not None:
        raise UsageError(
            "--description and --description-file contradict each other.", "Give one of them."
        )
    if file == "-":
        return streams.read_text().rstrip("\n")
    try:
        return Path(file).read_text("utf-8").rstrip("\n")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not text in UTF-8.") from None


def given_fields(
    session: Session,
    *,
    title: str | None = None,
    description: str | None = None,
    status: Status | None = None,
    priority: Priority | None = None,
    due: str | None = None,
) -> dict[str, Any]:
    """Return the fields that were given, under the API's names; the due date is shown back.

    Raises UsageError for what the API would not take.
    """
    fields: dict[str, Any] = {
        "title": title,
        "description": description,
        "status": status and str(status),
        "priority": priority and str(priority),
    }
    fields = validated_input({name: value for name, value in fields.items() if value is not None})
    if due is not None:
        fields["due_date"] = due_date(session, due)
    return fields


def due_date(session: Session, text: str) -> str | None:
    """Return the moment that is meant, and tell the user which it is; None for `none`."""
    if text.strip().lower() == "none":
        return None
    from tasktracker_cli.dates.reading import parse_due

    now = datetime.now(UTC)
    due = parse_due(text, now, session.date_order)
    tell_due(session.output, due, now)
    return str(due)


def tell_due(output: Output, due: Due, now: datetime) -> None:
    """Show a due date back before anything is saved."""
    from tasktracker_cli.terminal.relative_times import full_date

    output.say(f"Due {full_date(due, now)}.")
    for note in due.notes:
        output.note(note)
