"""A process that is killed before each change that it makes, one after another."""

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
    """Let the test's thread end right before the change of that number, counted from 0.

    Changes are a file that is put in its place or deleted, and a request that is not only to read.
    """
    left = iter(range(step))

    def before(real: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: object, **named: object) -> Any:
            is_mine = threading.current_thread() is threading.main_thread()
            if is_mine and "GET" not in arguments and next(left, None) is None:
                raise KilledError
            return real(*arguments, **named)

        return change

    with pytest.MonkeyPatch.context() as patched:
        for owner, name in ((Path, "replace"), (Path, "unlink"), (caller, "call"), (Api, "call")):
            patched.setattr(owner, name, before(getattr(owner, name)))
        yield


def every_kill(work: Callable[[], object], recover: Callable[[], object]) -> int:
    """Kill `work` before each of its changes, and `recover` each time. Return how often."""
    for step in range(1000):
        try:
            with killed_at(step):
                work()
        except KilledError:
            recover()
        else:
            return step
    raise AssertionError("The work does not end.")
