"""The lines of the scoreboard as text."""

from bench.figure import Figure
from bench.rounds import Comparison

_COLUMNS = "{:>2}  {:<38} {:<44} {:>6} {:>6}  {:<11} {:<11} {}"
HEAD = _COLUMNS.format("#", "what", "against", "target", "ratio", "rounds", "noise", "").rstrip()


def line(figure: Figure, comparison: Comparison) -> str:
    """Return a figure's line. `rounds` and `noise` are the ranges of a Comparison's ratios."""
    ratio = comparison.ratio
    return _COLUMNS.format(
        figure.number,
        figure.what,
        figure.against,
        f"{figure.better.value}{figure.target:g}",
        f"{ratio:.2f}",
        _range(comparison.ratios),
        _range(comparison.noise),
        "" if figure.reached(ratio) else "missed",
    ).rstrip()


def _range(ratios: list[float]) -> str:
    return f"{min(ratios):.2f}-{max(ratios):.2f}"
