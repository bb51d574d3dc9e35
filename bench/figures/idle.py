"""What a cluster uses while nobody calls it: processor time and memory.

The reference is a fixed goal, so these ratios are not of two measurements as the others are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import mean

from bench import footprint
from bench.figure import Better, Figure, Pair
from bench.footprint import Usage
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

GOAL_PERCENT = 6  # of one core
GOAL_MEBIBYTES = 900

# An idle cluster does some things only every few seconds, so a round takes longer than a load does.
LONGER = 20


@contextmanager
def processor(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """Measure the processor time of all processes, and print the share of each kind at the end."""

    def measure(seconds: float) -> Usage:
        return footprint.processor(cluster.site, LONGER * seconds)

    with _against(cluster, GOAL_PERCENT, measure, "% of a core") as pair:
        yield pair


@contextmanager
def memory(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """Measure the memory of all processes in the same way."""

    def measure(_: float) -> Usage:
        return footprint.memory(cluster.site)

    with _against(cluster, GOAL_MEBIBYTES, measure, "MiB") as pair:
        yield pair


@contextmanager
def _against(
    cluster: ThrowawayCluster, goal: float, measure: Callable[[float], Usage], unit: str
) -> Iterator[Pair]:
    cluster.admin("up")
    cluster.settle()
    seen: list[Usage] = []

    def ours(seconds: float) -> float:
        seen.append(measure(seconds))
        return sum(seen[-1].values())

    yield Pair(ours, reference=lambda _: goal)
    _print(seen[1:] or seen, unit)  # the first one is the warm-up


def _print(seen: list[Usage], unit: str) -> None:
    means = {kind: mean(each.get(kind, 0) for each in seen) for kind in seen[-1]}
    largest_first = sorted(means.items(), key=lambda item: -item[1])
    for kind, value in [*largest_first, ("all", sum(means.values()))]:
        print(f"    {kind:<18}{value:>7.1f} {unit}")


FIGURES = [
    Figure(
        14,
        "processor time of an idle cluster",
        f"the goal of {GOAL_PERCENT} % of a core",
        Better.LOWER,
        1,
        lambda stage: processor(stage.cluster),
        most_rounds=3,
    ),
    Figure(
        14,
        "memory of an idle cluster",
        f"the goal of {GOAL_MEBIBYTES} MiB",
        Better.LOWER,
        1,
        lambda stage: memory(stage.cluster),
    ),
]
