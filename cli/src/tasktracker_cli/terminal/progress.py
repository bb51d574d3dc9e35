"""Progress of long work on a terminal: nothing is shown in the first half second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING

from tasktracker_cli.terminal.sink import make_console

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

PATIENCE = 0.5  # seconds


class Progress:
    """Counts steps; `Delayed` shows them."""

    def advance(self, steps: int = 1) -> None:
        """Count so many steps as done."""


class Delayed(Progress):
    """A bar, or without a total a spinner, which appears after half a second."""

    def __init__(self, title: str, total: int | None) -> None:
        self._title = title
        self._total = total
        self._done = 0
        self._bar: Bar | None = None
        self._ended = False
        self._lock = Lock()
        self._timer = Timer(PATIENCE, self._appear)
        self._timer.daemon = True

    def advance(self, steps: int = 1) -> None:
        with self._lock:
            self._done += steps
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=self._done)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            if self._bar is not None:
                self._bar.stop()

    def _appear(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
        if self._total is not None:
            columns += [BarColumn(), MofNCompleteColumn()]
        bar = Progress(*columns, console=make_console(stderr=True), transient=True)
        bar.add_task(self._title, total=self._total)
        with self._lock:
            if self._ended:
                return
            self._bar = bar
            bar.update(bar.task_ids[0], completed=self._done)
            bar.start()


@contextmanager
def delayed(title: str, total: int | None) -> Iterator[Progress]:
    """Show a bar or a spinner on standard error if what is done inside takes long."""
    shown = Delayed(title, total)
    shown.start()
    try:
        yield shown
    finally:
        shown.stop()
