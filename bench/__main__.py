"""`python -m bench [FIGURE ...]` prints the scoreboard; see docs/bench.md."""

import argparse
import signal
import sys

from bench import scoreboard
from bench.errors import BenchError
from bench.figure import Figure
from bench.figures import commands, growth, logins, mesh, reads, start, statistics
from bench.rounds import compare
from bench.stage import Stage
from tasktracker_cluster.errors import AdminError

FIGURES = [
    *reads.FIGURES,
    *growth.FIGURES,
    *statistics.FIGURES,
    *logins.FIGURES,
    *commands.FIGURES,
    # These come last: their cluster moves this process into a network of its own.
    *mesh.FIGURES,
    *start.FIGURES,
]


def main(words: list[str]) -> None:
    """Measure the chosen figures, and print a line for each. `words` are the arguments."""
    arguments = _parse(words)
    # As with Ctrl-C, all services are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = [each for each in FIGURES if each.number in (arguments.figures or _NUMBERS)]
    try:
        with Stage() as stage:
            print(scoreboard.HEAD)
            for figure in chosen:
                _measure(stage, figure, arguments.rounds, arguments.seconds)
    except (BenchError, AdminError) as error:
        sys.exit(f"bench: {error}")


_NUMBERS = sorted({figure.number for figure in FIGURES})


def _figure(word: str) -> int:
    """Return the number of a figure. Raises ValueError, which argparse shows as a usage error."""
    return _NUMBERS[_NUMBERS.index(int(word))]


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description="Print the scoreboard, figure by figure.")
    parser.add_argument("figures", nargs="*", type=_figure, metavar="figure")
    parser.add_argument("--rounds", type=int, default=5, help="comparisons per figure")
    parser.add_argument("--seconds", type=float, default=3, help="for each side of a comparison")
    return parser.parse_args(words)


def _measure(stage: Stage, figure: Figure, rounds: int, seconds: float) -> None:
    with figure.prepare(stage) as pair:
        comparison = compare(pair, figure.rounds(rounds), seconds)
    print(scoreboard.line(figure, comparison), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
