"""The operator's tables: aligned on a terminal, separated by tabs in a pipe."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from tasktracker_cli.terminal.plain import cells
from tasktracker_cli.terminal.text import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

Cell = str | int | float | None | tuple[str, str]  # the tuple is a text and its style


def table(
    headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, terminal: bool
) -> Iterator["RenderableType"]:
    """Yield the headings and the rows, or nothing when there are no rows.

    On a terminal, columns of numbers are aligned to the right. None is shown as a dash.
    """
    known = list(rows)
    if not known:
        return
    if terminal:
        yield _drawn(headings, known)
        return
    yield cells(*headings)
    yield from (cells(*map(_text, row)) for row in known)


def with_nodes(
    headings: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    nodes: Sequence[Sequence[str]],
    *,
    terminal: bool,
) -> Iterator["RenderableType"]:
    """Return a table, with a last column for the nodes of each row if there are several in all."""
    if len({name for names in nodes for name in names}) < 2:
        return table(headings, rows, terminal=terminal)
    longer = [[*row, " ".join(names) or None] for row, names in zip(rows, nodes, strict=True)]
    return table([*headings, "NODES"], longer, terminal=terminal)


def fraction(running: int | None, wanted: int | None) -> str | None:
    """Return running of wanted instances, for example 1/2, or what is known of them."""
    if running is None or wanted is None:
        return None if running is None else str(running)
    return f"{running}/{wanted}"


def _drawn(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> "RenderableType":
    from rich.text import Text

    from tasktracker_cli.terminal.tables import headed

    drawn = headed(header=True)
    for heading, column in zip(headings, zip(*rows, strict=True), strict=True):
        numbers = all(cell is None or isinstance(cell, int | float) for cell in column)
        # A name that is cut off could be another's: on a narrow terminal it goes on below.
        drawn.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(visible(_text(cell)), _style(cell)) for cell in row))
    return drawn


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, tuple):
        return cell[0]
    return cell if isinstance(cell, str) else f"{cell:g}"


def _style(cell: Cell) -> str:
    return cell[1] if isinstance(cell, tuple) else ""
