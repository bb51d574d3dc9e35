"""Pictures of curves, drawn by matplotlib as SVG that is the same for the same points."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

from bench.curves.point import Point
from bench.curves.series import Series

matplotlib.use("Agg")  # it needs no screen
# The page's own font, and no names that are new in every run.
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9}

from matplotlib import pyplot  # noqa: E402 - after the settings that it reads
from matplotlib.ticker import FuncFormatter, NullLocator  # noqa: E402

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Panel:
    """One diagram: a quantity of each point, and a line that it should not reach."""

    title: str
    value: Callable[[Point], float]
    limit: int | None = None


RATE = Panel("requests/s", lambda point: point.rate)
P99 = Panel("99th percentile, ms", lambda point: point.p99 * 1000)


def connections(limit: int) -> Panel:
    """Return the panel of PostgreSQL's connections."""
    return Panel("connections of PostgreSQL", lambda point: point.connections, limit)


def draw(file: Path, what: str, series: Series, panels: Sequence[Panel]) -> None:
    """Write a picture with the panels side by side. `what` is the quantity that grows."""
    figure, diagrams = pyplot.subplots(
        1, len(panels), figsize=(3.3 * len(panels), 2.9), squeeze=False, layout="constrained"
    )
    for panel, axes in zip(panels, diagrams[0], strict=True):
        _draw(axes, what, series, panel)
    diagrams[0][0].legend(fontsize=8)
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def _draw(axes: Any, what: str, series: Series, panel: Panel) -> None:
    for name, points in series.items():
        xs, ys = [point.x for point in points], [panel.value(point) for point in points]
        (line,) = axes.plot(xs, ys, marker="o", markersize=4, label=name)
        failed = [(x, y) for x, y, point in zip(xs, ys, points, strict=True) if point.refused]
        if failed:
            axes.plot(*zip(*failed, strict=True), "x", color=line.get_color(), markersize=11)
    if panel.limit:
        axes.axhline(panel.limit, color="black", linestyle="--", linewidth=1)
        axes.annotate(f"max_connections = {panel.limit}", (0.03, panel.limit), xytext=(0, 4),
                      xycoords=("axes fraction", "data"), textcoords="offset points",
                      fontsize=8)  # fmt: skip
    _label(axes, what, _numbers(series))
    axes.set_title(panel.title, fontsize=9)
    axes.set_ylim(bottom=0, top=panel.limit and panel.limit * 1.15)
    axes.grid(alpha=0.3)


def _label(axes: Any, what: str, numbers: Sequence[int]) -> None:
    """Give the horizontal axis a tick for each number, at equal distances for equal factors."""
    axes.set_xscale("log")
    axes.set_xlabel(what)
    axes.set_xticks(numbers)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short(x)))
    axes.xaxis.set_minor_locator(NullLocator())


def _numbers(series: Mapping[str, Sequence[Point]]) -> list[int]:
    return sorted({point.x for points in series.values() for point in points})


def short(number: float) -> str:
    """Return a number, as a power of ten if it is a large one: 10⁶."""
    digits = f"{number:.0f}"
    if len(digits) < 4 or digits.strip("0") != "1":
        return digits
    return "10" + str(len(digits) - 1).translate(_RAISED)
