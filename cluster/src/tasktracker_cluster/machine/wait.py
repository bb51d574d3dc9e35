"""Waiting for a condition, with a limit."""

import time
from collections.abc import Callable
from typing import TypeVar

from tasktracker_cluster.errors import ApiError, NotReadyError

T = TypeVar("T")

POLL_SECONDS = 0.1


def until(what: str, probe: Callable[[], T | None], limit: float) -> T:
    """Call `probe` until it returns neither None nor False, and return that. `limit` in seconds.

    Raises NotReadyError after the limit. `what` names the condition in its message. While an agent
    cannot answer, nothing is known of the condition: it is asked again, and the error has the last
    reason and its hint. Any other error of `probe` is raised at once.
    """
    deadline = time.monotonic() + limit
    while True:
        answer, reason, hint = None, "", ""
        try:
            answer = probe()
        except ApiError as error:
            if not error.passes:
                raise
            reason, hint = f" {error.message}", error.hint
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise NotReadyError(f"Waited {limit:.0f} s for {what}, without success.{reason}", hint)
        time.sleep(POLL_SECONDS)
