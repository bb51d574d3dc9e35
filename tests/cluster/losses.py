"""What each loss cost, and the table of it. A loss that was made several times shows its worst."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasktracker_cluster.testing.machines import Laboratory
from tests.cluster import load
from tests.cluster.load import Report

HEADINGS = (
    "what is lost", "requests", "failed", "within s", "writes", "lost", "moved s", "green s",
)  # fmt: skip
ROW = "{:<44}{:>9}{:>8}{:>10}{:>8}{:>6}{:>9}{:>9}"


@dataclass(frozen=True)
class Loss:
    """A loss under load. Only requests to the gateways of the machines that live are counted."""

    name: str
    load: Report
    missing: int  # acknowledged writes that are not stored
    green: float  # seconds from the repair, or from the loss, until all was well
    moved: float | None = None  # seconds until all instances that are wanted ran elsewhere

    @property
    def failed_percent(self) -> float:
        """The share of the requests that failed."""
        return 100 * len(self.load.failed) / self.load.sent


_losses: list[Loss] = []
_memory: list[str] = []


def missing(lab: Laboratory, report: Report, user: str) -> int:
    """Return how many acknowledged writes are not stored."""
    return len(set(report.acknowledged) - load.titles(lab, lab.machines[0], user))


def record(loss: Loss) -> Loss:
    """Keep a loss for the table."""
    _losses.append(loss)
    return loss


def record_memory(line: str) -> None:
    """Keep a line about memory for the end of the table."""
    _memory.append(line)


def table() -> list[str]:
    """Return the lines of the table; none when nothing was measured."""
    names = dict.fromkeys(loss.name for loss in _losses)
    rows = [_worst([loss for loss in _losses if loss.name == name]) for name in names]
    return [ROW.format(*HEADINGS), *rows, *_memory] if rows else _memory


def _worst(losses: Sequence[Loss]) -> str:
    def most(value: Callable[[Loss], float]) -> float:
        return max(map(value, losses))

    name = losses[0].name if len(losses) == 1 else f"{losses[0].name} (worst of {len(losses)})"
    moved = [loss.moved for loss in losses if loss.moved is not None]
    return ROW.format(
        name,
        min(loss.load.sent for loss in losses),
        f"{most(lambda loss: loss.failed_percent):.2f}%",
        f"{most(lambda loss: loss.load.failing_seconds):.1f}",
        min(len(loss.load.acknowledged) for loss in losses),
        most(lambda loss: loss.missing),
        f"{max(moved):.1f}" if moved else "-",
        f"{most(lambda loss: loss.green):.1f}",
    )
