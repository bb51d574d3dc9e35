"""Waiting for a condition, with a limit."""

import time
from collections.abc import Callable
from typing import TypeVar

from tasktracker_cluster.errors import NotReadyError

T = TypeVar("T")

POLL_SECONDS = 0.1


def until(what: str, probe: Callable[[], T | None], limit: float) -> T:
    """Call `probe` until it returns neither None nor False, and return that. `limit` in seconds.

    Raises NotReadyError after the limit. `what` names the condition in its message.
    """
    deadline = time.monotonic() + limit
    while True:
        answer = probe()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise NotReadyError(f"Waited {limit:.0f} s for {what}, without success.")
        time.sleep(POLL_SECONDS)
