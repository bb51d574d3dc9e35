"""The results of a run in a file, and two of them side by side."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import log
from pathlib import Path

from bench.errors import BenchError
from bench.figure import Figure, Pair
from bench.processor import Metered
from bench.rounds import Comparison

_COLUMNS = "{:>2}  {:<38} {:>6} {:>6} {:>7}  {}"
HEAD = _COLUMNS.format("#", "what", "before", "after", "change", "").rstrip()


@dataclass(frozen=True)
class Result:
    """One line of the scoreboard, as a file has it; `ratios` and `noise` are of each round."""

    number: int
    what: str
    target: float
    ratio: float
    ratios: list[float]
    noise: list[float]
    processor: dict[str, Mapping[str, float]] = field(default_factory=dict)
    """For `ours` and `reference`: microseconds of each program for a request."""

    @classmethod
    def of(cls, figure: Figure, comparison: Comparison, pair: Pair) -> "Result":
        """Make the result of a figure's comparison of a pair."""
        return cls(
            figure.number,
            figure.what,
            figure.target,
            comparison.ratio,
            comparison.ratios,
            comparison.noise,
            _processor(pair),
        )

    @property
    def uncertainty(self) -> float:
        """How far a ratio may be off, as a factor above 1: the widest of its rounds and noise."""
        spread = max(self.ratios) / min(self.ratios)
        return float(max(spread**0.5, *(max(each, 1 / each) for each in self.noise)))


def _processor(pair: Pair) -> dict[str, Mapping[str, float]]:
    sides = {"ours": pair.ours, "reference": pair.reference}
    return {name: side.microseconds for name, side in sides.items() if isinstance(side, Metered)}


def save(path: Path, results: Sequence[Result]) -> None:
    """Write the results as JSON."""
    path.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")


def load(path: Path) -> list[Result]:
    """Read what `save` wrote. Raises BenchError for another file, or none."""
    try:
        return [Result(**each) for each in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError) as error:
        raise BenchError(f"{path} has no results of `bench --json`: {error}.") from error


def compare(before: Sequence[Result], after: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each figure that both runs have; it says what changed beyond its noise."""
    known = {result.what: result for result in before}
    yield HEAD
    for new in after:
        if old := known.get(new.what):
            change = new.ratio / old.ratio
            beyond = abs(log(change)) > log(max(old.uncertainty, new.uncertainty))
            yield _COLUMNS.format(
                new.number, new.what, f"{old.ratio:.2f}", f"{new.ratio:.2f}", f"{change - 1:+.0%}",
                "changed" if beyond else "within the noise",
            )  # fmt: skip
