"""The processor time of a request in each program, as a second table below the scoreboard."""

from collections.abc import Iterator, Mapping, Sequence

from bench.figure import Figure
from bench.results import Result

_COLUMNS = "{:>2}  {:<44} {:>6}  {}"
HEAD = _COLUMNS.format("#", "processor time of a request, in µs", "sum", "in each program")


def lines(figures: Sequence[Figure], results: Sequence[Result]) -> Iterator[str]:
    """Yield the lines of the figures that measure it: ours, and below it the reference."""
    found = [pair for pair in zip(figures, results, strict=True) if pair[1].processor]
    if found:
        yield ""
        yield HEAD
    for figure, result in found:
        yield _line(str(figure.number), figure.what, result.processor["ours"])
        yield _line("", figure.against, result.processor["reference"])


def _line(number: str, what: str, microseconds: Mapping[str, float]) -> str:
    parts = ", ".join(f"{name} {value:.0f}" for name, value in microseconds.items())
    return _COLUMNS.format(number, what, f"{sum(microseconds.values()):.0f}", parts)
