"""The processor time of a request in each program that takes part in it.

It is a steadier measure than a rate: a busy machine serves fewer requests, but each still needs
about the same time of a processor.
"""

import resource
from collections.abc import Callable, Mapping
from statistics import median

from bench import process_times
from bench.errors import BenchError
from bench.process_times import Times
from bench.wrk import Load

Programs = Mapping[str, int]
"""The programs of a measurement: a name, and the id of the program's first process."""

LOAD = "wrk"


class Metered:
    """A measurement in requests per second that also measures the processor time of programs.

    Raises BenchError if a program does not run: its id is 0.
    """

    def __init__(self, load: Callable[[float], Load], programs: Programs) -> None:
        if missing := [name for name, pid in programs.items() if not pid]:
            raise BenchError(f"{', '.join(missing)} does not run.")
        self._load = load
        self._programs = programs
        self._seen: list[Mapping[str, float]] = []

    def __call__(self, seconds: float) -> float:
        before = self._seconds_used()
        load = self._load(seconds)
        after = self._seconds_used()
        self._seen.append({name: (after[name] - before[name]) / load.requests for name in after})
        return load.rate

    @property
    def microseconds(self) -> Mapping[str, float]:
        """The processor time of a request in each program: the median of all measurements."""
        names = self._seen[0] if self._seen else ()
        return {name: 1e6 * median(each[name] for each in self._seen) for name in names}

    def _seconds_used(self) -> Mapping[str, float]:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)  # of wrk, when it has ended
        used = seconds_of(self._programs)
        return {**used, LOAD: children.ru_utime + children.ru_stime}


def seconds_of(programs: Programs) -> Mapping[str, float]:
    """Return the processor time that each program has used since its start, with its children."""
    known = process_times.of_all()
    firsts = {pid: name for name, pid in programs.items()}
    total = dict.fromkeys(programs, 0.0)
    for pid, times in known.items():
        if name := _program(pid, known, firsts):
            total[name] += times.seconds
    return total


def _program(pid: int, known: Mapping[int, Times], firsts: Mapping[int, str]) -> str | None:
    """Return the name of the program that a process or its nearest ancestor began."""
    while pid in known and pid not in firsts:
        pid = known[pid].parent
    return firsts.get(pid)
