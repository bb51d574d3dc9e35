"""Counts as bars that fit the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from tasktracker_cli.terminal.labels import Labels, label

WIDTH = 40  # columns at most


class Bar:
    """Shares of a total: (count, style) each, from the left."""

    def __init__(self, shares: Sequence[tuple[int, str]], total: int) -> None:
        self._shares = shares
        self._total = max(total, 1)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, WIDTH)
        bar = Text()
        for count, style in self._shares:
            length = min(round(width * count / self._total), width - len(bar))
            # A count above zero has at least one column.
            bar.append("█" * (max(length, 1) if count and len(bar) < width else length), style)
        yield bar.append("░" * (width - len(bar)), "dim")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(4, min(options.max_width, WIDTH))


def bars(rows: Iterable[Sequence[RenderableType]]) -> Table:
    """Put bars under each other, with what belongs to them left and right."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for row in rows:
        table.add_row(*row)
    return table


def counts(labels: Labels, numbers: Mapping[str, int]) -> Table:
    """Return a bar and a number for each value of the API."""
    total = sum(numbers.values())
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    for value, number in numbers.items():
        name = label(labels, value)
        table.add_row(name, Bar([(number, str(name.style))], total), str(number))
    return table
