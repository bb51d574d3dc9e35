"""`python -m bench [FIGURE ...]` prints the scoreboard; see docs/bench.md.

`python -m bench compare BEFORE AFTER` tells which figures changed between two runs with `--json`.
`python -m bench grow` draws curves (bench/grow.py).
"""

import argparse
import signal
import sys
from operator import attrgetter
from pathlib import Path

from bench import grow, processor_table, results, scoreboard
from bench.arguments import count, duration, new_file
from bench.errors import BenchError
from bench.figure import Figure
from bench.figures import (
    commands,
    growth,
    idle,
    logins,
    mesh,
    neighbours,
    observing,
    reads,
    start,
    statistics,
    writes,
)
from bench.rounds import compare
from bench.stage import Stage
from tasktracker_cluster.errors import AdminError

FIGURES = [
    *reads.FIGURES,
    *growth.FIGURES,
    *writes.FIGURES,
    *statistics.FIGURES,
    *logins.FIGURES,
    *commands.FIGURES,
    # These come last: their cluster moves this process into a network of its own.
    *sorted((*mesh.FIGURES, *neighbours.FIGURES), key=attrgetter("number")),
    *start.FIGURES,
    *idle.FIGURES,
    *observing.FIGURES,
]


def main(words: list[str]) -> None:
    """Print the scoreboard, compare two runs, or draw curves. `words` are the arguments."""
    # As with Ctrl-C, all services are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if words[:1] == ["compare"]:
            _compare(words[1:])
        elif words[:1] == ["grow"]:
            grow.main(words[1:])
        else:
            _run(words)
    except (BenchError, AdminError) as error:
        sys.exit(f"bench: {error}")


def _run(words: list[str]) -> None:
    arguments = _parse(words)
    chosen = [each for each in FIGURES if each.number in (arguments.figures or _NUMBERS)]
    measured = []
    with Stage(traces=any(figure.traces for figure in chosen)) as stage:
        print(scoreboard.HEAD)
        for figure in chosen:
            measured.append(_measure(stage, figure, arguments.rounds, arguments.seconds))
            if arguments.json:  # after each: what was measured is kept whatever comes
                results.save(arguments.json, measured)
    for line in processor_table.lines(chosen, measured):
        print(line)


def _compare(words: list[str]) -> None:
    parser = argparse.ArgumentParser("bench compare", description="Compare two runs.")
    parser.add_argument("before", type=Path, help="a file of `bench --json`")
    parser.add_argument("after", type=Path, help="a later one")
    arguments = parser.parse_args(words)
    for line in results.compare(results.load(arguments.before), results.load(arguments.after)):
        print(line)


_NUMBERS = sorted({figure.number for figure in FIGURES})


def _figure(word: str) -> int:
    """Return the number of a figure."""
    if word not in map(str, _NUMBERS):
        raise argparse.ArgumentTypeError(
            f"there is no figure {word}; there are {_NUMBERS[0]} to {_NUMBERS[-1]}"
        )
    return int(word)


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description="Print the scoreboard, figure by figure.")
    parser.add_argument("figures", nargs="*", type=_figure, metavar="figure")
    parser.add_argument("--rounds", type=count, default=5, help="comparisons per figure")
    parser.add_argument("--seconds", type=duration, default=3, help="for each side of a comparison")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write the results, too")
    return parser.parse_args(words)


def _measure(stage: Stage, figure: Figure, rounds: int, seconds: float) -> results.Result:
    with figure.prepare(stage) as pair:
        comparison = compare(pair, figure.rounds(rounds), figure.seconds(seconds))
    print(scoreboard.line(figure, comparison), flush=True)
    return results.Result.of(figure, comparison, pair)


if __name__ == "__main__":
    main(sys.argv[1:])
