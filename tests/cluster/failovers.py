"""What each fault of a database cost, and the table of it. Of several rounds it shows the worst."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tasktracker_cluster.testing.machines import Laboratory
from tests.cluster import load
from tests.cluster.writes import History

HEADINGS = ("what happens", "rounds", "writes", "gap s", "refused", "lost", "doubled", "green s")
ROW = "{:<44}{:>8}{:>8}{:>8}{:>9}{:>6}{:>9}{:>9}"


@dataclass(frozen=True)
class Failover:
    """A fault under fifty writes a second. `gap`: until the next acknowledged one, in seconds."""

    name: str
    acknowledged: int
    gap: float
    refused: int
    lost: int
    doubled: int
    green: float  # seconds until all was well again
    answers: Counter[str]  # of the refused ones


_failovers: list[Failover] = []


def record(lab: Laboratory, name: str, history: History, user: str, green: float) -> Failover:
    """Compare what was acknowledged with what is stored, and keep the result for the table."""
    there = load.stored(lab, lab.machines[0], user)
    failover = Failover(
        name,
        len(history.acknowledged),
        history.longest_gap(),
        len(history.refused),
        len({title for _, title in history.acknowledged} - there.keys()),
        sum(number > 1 for number in there.values()),
        green,
        Counter(answer for _, answer in history.refused),
    )
    _failovers.append(failover)
    return failover


def table() -> list[str]:
    """Return the lines of the table; none when nothing was measured."""
    names = dict.fromkeys(each.name for each in _failovers)
    rows = [_worst([each for each in _failovers if each.name == name]) for name in names]
    answers = [f"{each.name}: {dict(each.answers)}" for each in _failovers if each.refused]
    return [ROW.format(*HEADINGS), *rows, *answers] if rows else []


def _worst(failovers: list[Failover]) -> str:
    def most(value: Callable[[Failover], float]) -> float:
        return max(map(value, failovers))

    return ROW.format(
        failovers[0].name,
        len(failovers),
        min(each.acknowledged for each in failovers),
        f"{most(lambda each: each.gap):.1f}",
        most(lambda each: each.refused),
        most(lambda each: each.lost),
        most(lambda each: each.doubled),
        f"{most(lambda each: each.green):.1f}",
    )
