"""The processor time of a request in each program that takes part in it.

It is a steadier measure than a rate: a busy machine serves fewer requests, but each still needs
about the same time of a processor.
"""

import os
import resource
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import median

from bench.errors import BenchError
from bench.wrk import Load

Programs = Mapping[str, int]
"""The programs of a measurement: a name, and the id of the program's first process."""

LOAD = "wrk"
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")  # in a second


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
    parents, used = {}, {}
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # the process ended in the meantime
            pid = int(folder.name)
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            # Its own time in two parts, and that of its children that have ended.
            parents[pid], used[pid] = int(fields[1]), sum(map(int, fields[11:15])) / _TICKS
    firsts = {pid: name for name, pid in programs.items()}
    total = dict.fromkeys(programs, 0.0)
    for pid, seconds in used.items():
        if name := _program(pid, parents, firsts):
            total[name] += seconds
    return total


def _program(pid: int, parents: Mapping[int, int], firsts: Mapping[int, str]) -> str | None:
    """Return the name of the program that a process or its nearest ancestor began."""
    while pid and pid not in firsts:
        pid = parents.get(pid, 0)
    return firsts.get(pid)
