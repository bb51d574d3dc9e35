"""One line of the scoreboard: what is compared with what, and where the ratio should be."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum

from bench.stage import Stage

Measure = Callable[[float], float]
"""Measures for about that many seconds; returns a quantity above 0, in any unit."""


class Better(Enum):
    """Which way the ratio should go from its target."""

    HIGHER = "≥"
    LOWER = "≤"


@dataclass(frozen=True)
class Pair:
    """Two measurements of the same quantity, made in turn; their ratio is ours / reference."""

    ours: Measure
    reference: Measure


@dataclass(frozen=True)
class Figure:
    """`prepare` sets up what is measured, and takes it away at the end of the block."""

    number: int
    what: str
    against: str
    better: Better
    target: float
    prepare: Callable[[Stage], AbstractContextManager[Pair]]
    most_rounds: int | None = None
    """For what takes minutes, however few seconds it is given."""

    def rounds(self, asked: int) -> int:
        return min(asked, self.most_rounds or asked)

    def reached(self, ratio: float) -> bool:
        return ratio >= self.target if self.better is Better.HIGHER else ratio <= self.target
