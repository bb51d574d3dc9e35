"""Waiting for something that happens in its own time."""

import time
from collections.abc import Callable

INTERVAL = 0.02  # seconds between two looks


def eventually(holds: Callable[[], object], limit: float) -> float:
    """Wait until `holds` returns something true. Return the seconds that this took.

    Raises AssertionError after `limit` seconds.
    """
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() < begin + limit, f"Not within {limit} s."  # noqa: S101 - for tests
        time.sleep(INTERVAL)
    return time.monotonic() - begin
