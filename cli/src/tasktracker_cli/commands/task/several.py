"""The same for several tasks: a failure is told, and the rest is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tasktracker_cli.errors import CliError, NotLoggedInError, OutputClosedError, UnavailableError
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session

Raw = Mapping[str, Any]


def each(
    session: Session, ids: Sequence[int], action: Callable[[int], Raw], *, in_full: bool = False
) -> None:
    """Do the action for each task, and print what it gives: a line each, or in full.

    A task that fails is told at once; the worst of the failures becomes the exit code.
    """
    if len(ids) == 1:
        raw = action(ids[0])
        session.output.record(raw, lambda: session.views.task(models.task(raw)))
        return
    failures: list[CliError] = []
    done = survivors(session, ids, action, failures)
    view = _in_full if in_full else _lines
    session.output.records(done, lambda raws: view(session, map(models.task, raws)))
    end(failures)


def _lines(session: Session, tasks: Iterable[models.Task]) -> Iterable[Any]:
    return session.views.tasks(tasks)


def _in_full(session: Session, tasks: Iterable[models.Task]) -> Iterable[Any]:
    for number, task in enumerate(tasks):
        if number:
            yield ""
        yield session.views.task(task)


def survivors(
    session: Session,
    ids: Sequence[int],
    action: Callable[[int], Any],
    failures: list[CliError],
) -> Iterator[Any]:
    """Give what the action gives for each task that does not fail; collect what fails."""
    for task_id in ids:
        try:
            result = action(task_id)
        except CliError as error:
            if _hopeless(error):
                raise
            session.output.error(_named(error, task_id))
            failures.append(error)
        else:
            yield result


def end(failures: Sequence[CliError]) -> None:
    """End with the worst of the failures, which were all told already."""
    if failures:
        raise type(max(failures, key=lambda failure: failure.exit_code))


def _hopeless(error: CliError) -> bool:
    """Whether the other tasks cannot fare better."""
    unreachable = isinstance(error, UnavailableError) and error.status is None
    return unreachable or isinstance(error, NotLoggedInError | OutputClosedError)


def _named(error: CliError, task_id: int) -> CliError:
    """The error, with the task's number if its own words do not have it."""
    if not re.search(rf"\b{task_id}\b", error.message):
        error.message = f"Task {task_id}: {error.message}"
    return error
