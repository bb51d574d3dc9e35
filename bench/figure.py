"""One line of the scoreboard: a measurement, its reference, and the target of their ratio."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum

from bench.stage import Stage

Measure = Callable[[float], float]
"""A function that measures for about that many seconds and returns a quantity above 0."""


class Better(Enum):
    """The better side of the target: a higher or a lower ratio."""

    HIGHER = "≥"
    LOWER = "≤"


@dataclass(frozen=True)
class Pair:
    """Two measurements of the same quantity in the same unit. Their ratio is ours / reference."""

    ours: Measure
    reference: Measure


@dataclass(frozen=True)
class Figure:
    """A ratio and its target. `prepare` sets the measured programs up and stops them at the end."""

    number: int
    what: str
    against: str
    better: Better
    target: float
    prepare: Callable[[Stage], AbstractContextManager[Pair]]
    most_rounds: int | None = None
    """A limit for a measurement that takes minutes, with any number of seconds."""
    least_seconds: float = 0
    """The shortest load that has a meaning."""
    traces: bool = False
    """Whether its cluster stores traces: their program is built while there is a network."""

    def rounds(self, asked: int) -> int:
        return min(asked, self.most_rounds or asked)

    def seconds(self, asked: float) -> float:
        return max(asked, self.least_seconds)

    def reached(self, ratio: float) -> bool:
        return ratio >= self.target if self.better is Better.HIGHER else ratio <= self.target
