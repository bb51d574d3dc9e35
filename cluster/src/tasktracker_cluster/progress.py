"""Progress of `up` and `down`: a line for each step, with its duration."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.status import Status


@dataclass
class Step:
    """One running step. `detail` is shown after its title when it ends."""

    title: str
    console: Console
    status: Status | None
    detail: str = ""

    def note(self, text: str) -> None:
        """Show why the step takes long: beside the spinner on a terminal, else on its own line."""
        if self.status is not None:
            self.status.update(f"{escape(self.title)} [dim]{escape(text)}[/dim]")
        else:
            line = f"  {self.title}: {text}"
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)


@dataclass
class Steps:
    """Shows steps on `console`, which writes to standard error: progress is not data."""

    console: Console
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def step(self, title: str, *, alone: bool = True) -> Iterator[Step]:
        """Show a step with its duration, and whether it failed.

        Meanwhile a spinner turns on a terminal, unless other programs write there (not `alone`).
        """
        begin = time.monotonic()
        turning = alone and self.console.is_terminal
        status = self.console.status(escape(title)) if turning else None
        step = Step(title, self.console, status)
        if status is not None:
            status.start()
        mark = "[red]✗[/red]"
        try:
            yield step
            mark = "[green]✓[/green]"
        finally:
            if status is not None:
                status.stop()
            seconds = time.monotonic() - begin
            detail = f" [dim]{escape(step.detail)}[/dim]" if step.detail else ""
            self.console.print(
                f"{mark} {escape(title)}{detail} [dim]{seconds:.1f} s[/dim]",
                highlight=False,
                soft_wrap=True,
            )

    @property
    def elapsed(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self.started
