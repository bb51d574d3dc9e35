"""Time zones to live in while a test runs."""

import os
import time
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def live_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Move this process to a time zone until the test is over."""

    def move(zone: str) -> None:
        monkeypatch.setitem(os.environ, "TZ", zone)
        time.tzset()

    with monkeypatch.context() as monkeypatch:
        yield move
    time.tzset()
