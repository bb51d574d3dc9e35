"""The processor time of processes, from /proc."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")  # in a second


@dataclass(frozen=True)
class Times:
    """A process: the id of its parent, and the seconds of processor time since its start.

    The time includes that of its children that have ended.
    """

    parent: int
    seconds: float


def of_all() -> Mapping[int, Times]:
    """Return the times of all processes, by process id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # the process ended in the meantime
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            found[int(folder.name)] = Times(int(fields[1]), sum(map(int, fields[11:15])) / _TICKS)
    return found
