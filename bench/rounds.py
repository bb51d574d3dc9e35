"""Many short comparisons instead of one long one, because the machine's load changes all the time.

A round measures the reference, ours, and the reference again. Ours is compared with the mean of
both references, so that a machine that slows down evenly does not change the ratio. The ratio of
the two references shows the noise.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import median

from bench.figure import Pair

WARM_UP = 0.5  # seconds for each side, to fill connections, caches and query plans


@dataclass(frozen=True)
class Comparison:
    """The ratios of all rounds, in order: ours / reference, and reference / reference (noise)."""

    ratios: list[float]
    noise: list[float]

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    def add(self, before: float, ours: float, after: float) -> None:
        """Add a round: the reference, ours, and the reference again."""
        self.ratios.append(ours / sqrt(before * after))
        self.noise.append(after / before)


def compare(pair: Pair, rounds: int, seconds: float) -> Comparison:
    """Compare a pair in `rounds` rounds. Each of a round's measurements takes `seconds` seconds."""
    comparison = Comparison([], [])
    pair.reference(WARM_UP)
    pair.ours(WARM_UP)
    for _ in range(rounds):
        before = pair.reference(seconds)
        ours = pair.ours(seconds)
        after = pair.reference(seconds)
        comparison.add(before, ours, after)
    return comparison
