"""task export: all tasks to a file or to standard output, as they arrive."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tasktracker_cli.atomic_files import replacing
from tasktracker_cli.errors import CliError, UsageError
from tasktracker_cli.gateway.models import TASK_FIELDS
from tasktracker_cli.session import Session
from tasktracker_cli.terminal import serializers
from tasktracker_cli.terminal.choices import Choices, Format
from tasktracker_cli.terminal.output import Counted
from tasktracker_cli.terminal.progress import Progress
from tasktracker_cli.terminal.text import counted
from tasktracker_cli.transfer.parsers import FileFormat

OLDEST_FIRST = {"sort": "created_at"}


def is_standard_output(file: str) -> bool:
    """Return whether the name is that of the standard output, such as - or /dev/stdout."""
    if file == "-":
        return True
    try:
        return os.path.samestat(os.stat(file), os.fstat(sys.stdout.fileno()))
    except OSError:
        return False


def run(session: Session, file: str, format_: FileFormat, *, force: bool) -> None:
    """Write the tasks; a file appears whole or not at all, and what is no file is written to."""
    # The fields are named, so that a file without tasks has a header.
    fields = TASK_FIELDS if format_ is FileFormat.CSV else ()
    choices = Choices(format=Format(format_), fields=fields)
    if is_standard_output(file):
        session.output.choices = choices
        session.output.records(_tasks(session, Progress()), lambda _: ())
        return
    path = Path(file)
    if path.is_file() and not force:
        raise UsageError(f"{file} is there already.", "Use --force to replace it.")
    with session.output.progress("Exporting") as progress:
        count = _write(path, choices, _tasks(session, progress))
    session.output.say(f"Exported {counted(count, 'task')} to {file}.")


def _tasks(session: Session, progress: Progress) -> Iterator[Any]:
    for page in session.tasks.pages(OLDEST_FIRST, None):
        yield from page.tasks
        progress.advance(len(page.tasks))


def _write(path: Path, choices: Choices, tasks: Iterator[Any]) -> int:
    """Write the tasks; return how many there were."""
    written = Counted(tasks)
    try:
        with _opened(path) as out:
            out.writelines(serializers.many(choices, written, terminal=False))
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}.") from None
    return written.count


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a pipe or a device as it is; a file is replaced at the end, where a link leads to."""
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as out:
            yield out
        return
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
    with replacing(target, mode) as out:
        yield out
