"""`python -m bench grow` measures how the task service does as something grows, and draws it.

It keeps the points in a file beside the pictures. `--draw` draws those again.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import databases
from bench.arguments import count, duration
from bench.curves import series
from bench.curves.point import Point
from bench.curves.series import Effort, Series
from bench.errors import BenchError
from bench.stage import Stage

FOLDER = Path(__file__).parents[1] / "docs" / "growth"
POINTS = "points.json"
FEWEST_ROWS = 1_000


@dataclass(frozen=True)
class Growth:
    """All curves, the database's limit of connections, and how they were measured."""

    rows: Series
    instances: Series
    clients: Series
    max_connections: int
    cores: int
    seconds: float
    rounds: int


def main(words: list[str]) -> None:
    """Measure and draw. `words` are the arguments."""
    arguments = _parse(words)
    if not arguments.draw:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        save(arguments.folder / POINTS, _measure(arguments))
    draw(arguments.folder)


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench grow", description="Measure and draw growth.")
    parser.add_argument("--most-rows", type=count, default=10_000_000, help="in the table")
    parser.add_argument("--most-instances", type=count, default=8, help="of the task service")
    parser.add_argument("--most-clients", type=count, default=256, help="at the same time")
    parser.add_argument("--rounds", type=count, default=3, help="loads for a point")
    parser.add_argument("--seconds", type=duration, default=3, help="for a load")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for points and pictures")
    parser.add_argument("--draw", action="store_true", help="draw the points of the folder again")
    return parser.parse_args(words)


def _measure(arguments: argparse.Namespace) -> Growth:
    effort = Effort(arguments.seconds, arguments.rounds)
    with Stage() as stage:
        limit = databases.limit(stage.watch)
        return Growth(
            clients=series.clients(stage, steps(1, arguments.most_clients, 2), effort),
            instances=series.instances(stage, steps(1, arguments.most_instances, 2), effort),
            rows=series.rows(stage, steps(FEWEST_ROWS, arguments.most_rows, 10), effort),
            max_connections=limit,
            cores=os.cpu_count() or 1,
            seconds=effort.seconds,
            rounds=effort.rounds,
        )


def steps(first: int, last: int, factor: int) -> Sequence[int]:
    """Return the numbers from `first` to `last`, each that many times the one before.

    Raises BenchError if there is none.
    """
    if last < first:
        raise BenchError(f"{last} is too small. It must be at least {first}.")
    numbers = [first]
    while numbers[-1] * factor <= last:
        numbers.append(numbers[-1] * factor)
    return numbers


def save(path: Path, growth: Growth) -> None:
    """Write the points as JSON."""
    path.write_text(json.dumps(asdict(growth), indent=1) + "\n")


def load(path: Path) -> Growth:
    """Read what `save` wrote. Raises BenchError for another file, or none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        curves = {
            name: {line: [Point(**each) for each in points] for line, points in lines.items()}
            for name, lines in found.items()
            if name in ("rows", "instances", "clients")
        }
        return Growth(**{**found, **curves})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BenchError(f"{path} has no points of `bench grow`: {error}.") from error


def draw(folder: Path) -> None:
    """Draw the points of a folder there."""
    from bench.curves import picture  # here, because no other figure needs matplotlib

    growth = load(folder / POINTS)
    pair = [picture.RATE, picture.P99]
    three = [*pair, picture.connections(growth.max_connections)]
    for name, what, lines, panels in (
        ("rows", "rows in the table", growth.rows, pair),
        ("instances", "instances of the task service", growth.instances, three),
        ("clients", "clients", growth.clients, three),
    ):
        file = folder / f"{name}.svg"
        picture.draw(file, what, lines, panels)
        print(file)
