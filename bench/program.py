"""A program that runs for the benchmark, and the time of its start."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError

START_LIMIT = 180  # seconds, for a busy machine
STOP_LIMIT = 120
POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Program:
    """A program to start.

    `answers` returns whether it serves requests. `variables` are its environment. `stop` is the
    signal that ends it.
    """

    command: Sequence[str | Path]
    answers: Callable[[], bool]
    variables: Mapping[str, str] = field(default_factory=dict)
    stop: signal.Signals = signal.SIGTERM

    def start_seconds(self) -> float:
        """Start and stop the program, and return the seconds from its start until it answered.

        Raises BenchError as `running` does.
        """
        start = time.perf_counter()
        with self.running():
            return time.perf_counter() - start

    @contextmanager
    def running(self) -> Iterator[int]:
        """Run the program during the block. Give its process id as soon as it answers.

        Raises BenchError if it ends too early, or does not answer within START_LIMIT.
        """
        deadline = time.perf_counter() + START_LIMIT
        with subprocess.Popen(
            self.command,
            env=self.variables,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                self._wait(process, deadline)
                yield process.pid
            finally:
                self._end(process)

    def _wait(self, process: "subprocess.Popen[bytes]", deadline: float) -> None:
        while not self.answers():
            if process.poll() is not None or time.perf_counter() > deadline:
                raise BenchError(f"This does not start alone: {' '.join(map(str, self.command))}")
            time.sleep(POLL_SECONDS)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        process.send_signal(self.stop)
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
