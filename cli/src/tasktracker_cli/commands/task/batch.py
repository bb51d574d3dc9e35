"""One action on a batch of tasks: a failure is reported, and the other tasks are done."""

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
    """Do the action for each task, and print its result: one line each, or in full.

    A failure is reported at once. The worst failure becomes the exit code.
    """
    if len(ids) == 1:
        raw = action(ids[0])
        session.output.record(raw, lambda: session.views.task(models.task(raw)))
        return
    failures: list[CliError] = []
    done = results(session, ids, action, failures)
    view = _in_full if in_full else _lines
    session.output.records(done, lambda raws: view(session, map(models.task, raws)))
    raise_worst(failures)


def _lines(session: Session, tasks: Iterable[models.Task]) -> Iterable[Any]:
    return session.views.tasks(tasks)


def _in_full(session: Session, tasks: Iterable[models.Task]) -> Iterable[Any]:
    for number, task in enumerate(tasks):
        if number:
            yield ""
        yield session.views.task(task)


def results(
    session: Session,
    ids: Sequence[int],
    action: Callable[[int], Any],
    failures: list[CliError],
) -> Iterator[Any]:
    """Yield the action's result for each task that does not fail; add the others to `failures`.

    Raises an error that every other task would meet, too.
    """
    for task_id in ids:
        try:
            result = action(task_id)
        except CliError as error:
            if _concerns_every_task(error):
                raise
            session.output.error(_named(error, task_id))
            failures.append(error)
        else:
            yield result


def raise_worst(failures: Sequence[CliError]) -> None:
    """Raise the worst of the failures, without a message: all of them were reported already."""
    if failures:
        raise type(max(failures, key=lambda failure: failure.exit_code))


def _concerns_every_task(error: CliError) -> bool:
    """Return whether the other tasks would fail in the same way."""
    unreachable = isinstance(error, UnavailableError) and error.status is None
    return unreachable or isinstance(error, NotLoggedInError | OutputClosedError)


def _named(error: CliError, task_id: int) -> CliError:
    """Put the task's number into the error's message, unless it is there."""
    if not re.search(rf"\b{task_id}\b", error.message):
        error.message = f"Task {task_id}: {error.message}"
    return error
