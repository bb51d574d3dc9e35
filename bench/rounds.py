"""Many short comparisons instead of one long one: what else the machine does changes all the time.

A round measures the reference, ours, and the reference again. Ours is compared with both
references around it, so that a machine that slows down evenly moves nothing. The two references,
compared with each other, show what ratio comes out when nothing differs: the noise floor.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import median

from bench.figure import Pair

WARM_UP = 0.5  # seconds of each side: connections, caches, the database's plans


@dataclass(frozen=True)
class Comparison:
    """The ratios of all rounds, in order: of ours to the reference, and of it to itself."""

    ratios: list[float]
    noise: list[float]

    @property
    def ratio(self) -> float:
        return median(self.ratios)


def compare(pair: Pair, rounds: int, seconds: float) -> Comparison:
    """Compare that many times, for that many seconds on each side each time."""
    comparison = Comparison([], [])
    pair.reference(WARM_UP)
    pair.ours(WARM_UP)
    for _ in range(rounds):
        before = pair.reference(seconds)
        ours = pair.ours(seconds)
        after = pair.reference(seconds)
        comparison.ratios.append(ours / sqrt(before * after))
        comparison.noise.append(after / before)
    return comparison
