"""The start-up time of the CLI, compared with Python that only imports Typer."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.figure import Better, Figure, Measure, Pair
from bench.stage import Stage

CLI = Path(sys.executable).with_name("tasktracker-cli")
NOT_REACHED = 7  # the CLI's exit code when the gateway does not answer
_TYPER = [sys.executable, "-c", "import typer"]


def _start_up(command: Sequence[str | Path], code: int, **environment: str) -> Measure:
    """Return a measurement in seconds per run of the command.

    It raises BenchError when a run ends with another exit code than `code`.
    """

    def run() -> None:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != code:
            raise BenchError(f"{command} ended with {done.returncode}: {done.stderr.strip()}.")

    def measure(seconds: float) -> float:
        start, runs = time.perf_counter(), 0
        while not runs or time.perf_counter() < start + seconds:
            run()
            runs += 1
        return (time.perf_counter() - start) / runs

    return measure


@contextmanager
def _version(_: Stage) -> Iterator[Pair]:
    yield Pair(ours=_start_up([CLI, "--version"], 0), reference=_start_up(_TYPER, 0))


@contextmanager
def _list(stage: Stage) -> Iterator[Pair]:
    """Run `task list` with a login, until it finds that the gateway has stopped."""
    with tempfile.TemporaryDirectory() as home:
        with stage.temporary_users() as url:
            _log_in(url, home)
        command: list[str | Path] = [CLI, "--url", url, "task", "list"]
        yield Pair(ours=_start_up(command, NOT_REACHED, HOME=home), reference=_start_up(_TYPER, 0))


def _log_in(url: str, home: str) -> None:
    """Register a new user, which logs in."""
    register = ["register", "--username", "johndoe", "--email", "john@example.com"]
    subprocess.run(
        [CLI, "--url", url, *register, "--password-stdin"],
        env={"HOME": home},
        input="securepass123",
        capture_output=True,
        text=True,
        check=True,
    )


_AGAINST = "python -c 'import typer'"
FIGURES = [
    Figure(11, "tasktracker-cli --version", _AGAINST, Better.LOWER, 1.25, _version),
    Figure(11, "task list without a gateway", _AGAINST, Better.LOWER, 1.5, _list),
]
