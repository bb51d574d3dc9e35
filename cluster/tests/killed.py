"""A process that is killed at each step of its work, one after another."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.membership import caller


class KilledError(BaseException):
    """The process ends here: nothing catches it."""


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """Let the test's thread end at the step of that number, counted from 0.

    Steps are before a file is put in its place or deleted, and before and after a request.
    """
    left = iter(range(step))

    def count() -> None:
        if threading.current_thread() is threading.main_thread() and next(left, None) is None:
            raise KilledError

    def before(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: object, **named: object) -> Any:
            count()
            return real(*arguments, **named)

        return step

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: object, **named: object) -> Any:
            count()
            found = real(*arguments, **named)
            count()  # as if the answer had been lost
            return found

        return step

    with pytest.MonkeyPatch.context() as patched:
        for name in ("replace", "unlink"):
            patched.setattr(Path, name, before(getattr(Path, name)))
        patched.setattr(caller, "call", around(caller.call))
        patched.setattr(Api, "call", around(Api.call))
        yield


def every_kill(work: Callable[[], object], recover: Callable[[], object]) -> int:
    """Kill `work` at each of its steps, `recover` after each, and return the number of kills."""
    for step in range(1000):
        try:
            with killed_at(step):
                work()
        except KilledError:
            recover()
        else:
            return step
    raise AssertionError("The work does not end.")
