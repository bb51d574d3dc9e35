"""task export: all tasks to a file or to standard output, as they arrive."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasktracker_cli.errors import CliError, UsageError
from tasktracker_cli.gateway.models import TASK_FIELDS
from tasktracker_cli.session import Session
from tasktracker_cli.terminal import formats
from tasktracker_cli.terminal.choices import Choices, Format
from tasktracker_cli.terminal.progress import Progress
from tasktracker_cli.terminal.text import counted
from tasktracker_cli.transfer.formats import FileFormat

OLDEST_FIRST = {"sort": "created_at"}


def run(session: Session, file: str, format_: FileFormat, *, force: bool) -> None:
    """Write the tasks; a file appears whole or not at all."""
    # With no task there is still a header, which fields that are named give.
    fields = TASK_FIELDS if format_ is FileFormat.CSV else ()
    choices = Choices(format=Format(format_), fields=fields)
    if file == "-":
        session.output.choices = choices
        session.output.records(_tasks(session, Progress()), lambda _: ())
        return
    path = Path(file)
    if path.exists() and not force:
        raise UsageError(f"{file} is there already.", "Use --force to replace it.")
    with session.output.progress("Exporting") as progress:
        count = _write(path, choices, _tasks(session, progress))
    session.output.say(f"Exported {counted(count, 'task')} to {file}.")


def _tasks(session: Session, progress: Progress) -> Iterator[Any]:
    for page in session.tasks.pages(OLDEST_FIRST, None):
        yield from page.tasks
        progress.advance(len(page.tasks))


def _write(path: Path, choices: Choices, tasks: Iterator[Any]) -> int:
    count = 0

    def counted() -> Iterator[Any]:
        nonlocal count
        for task in tasks:
            count += 1
            yield task

    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
                out.writelines(formats.many(choices, counted(), terminal=False))
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}.") from None
    return count
