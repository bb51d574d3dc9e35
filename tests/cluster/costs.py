"""What the safety of the data costs: requests per second with it, against those without."""

from collections.abc import Callable, Mapping

from bench.figure import Measure
from bench.rounds import Comparison

SECONDS = 3  # of each load
ROW = "{:<28}{:<22}{:>6}  {:<11} {:<11}"

_lines: list[str] = []


def compare(
    what: str, switch: Callable[[bool], None], measures: Mapping[str, Measure], rounds: int
) -> dict[str, Comparison]:
    """Measure without, with, and without in each round, and keep the results for the table."""
    found = {name: Comparison([], []) for name in measures}
    for _ in range(rounds):
        sides = []
        for is_on in (False, True, False):
            switch(is_on)
            sides.append({name: measure(SECONDS) for name, measure in measures.items()})
        before, during, after = sides
        for name, each in found.items():
            each.add(before[name], during[name], after[name])
    _lines.extend(_row(what, name, each) for name, each in found.items())
    return found


def table() -> list[str]:
    """Return the lines of the table; none when nothing was measured."""
    return [ROW.format("what", "requests/s", "ratio", "rounds", "noise"), *_lines] if _lines else []


def _row(what: str, name: str, found: Comparison) -> str:
    ranges = [f"{min(each):.2f}-{max(each):.2f}" for each in (found.ratios, found.noise)]
    return ROW.format(what, name, f"{found.ratio:.2f}", *ranges)
