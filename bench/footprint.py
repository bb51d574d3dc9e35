"""What a cluster's processes use: memory, and processor time, for each kind of process."""

import os
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasktracker_cluster.machine import processes
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import SERVICES

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")  # in a second

# The words in a command line that tell its kind. The first match counts.
_KINDS = {
    "logmon": "log collectors",
    "executor": "executors",
    "envoy.yaml": "pages proxy",
    "envoy": "sidecars",
    "postgres": "PostgreSQL",
    "traefik": "Traefik",
    "supervisord.conf": "supervisor",
    "consul": "Consul agent",
    "nomad": "Nomad agent",
    **{service.module: service.name for service in SERVICES},
}

Usage = Mapping[str, float]
"""What the processes of each kind use together."""


def memory(site: Site) -> Usage:
    """Return the proportional set sizes in MiB: a page that n processes share counts as 1/n."""
    used = defaultdict[str, float](float)
    for pid, kind in _kinds(site).items():
        with suppress(OSError):  # the process ended in the meantime
            rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
            used[kind] += int(rollup.partition("\nPss:")[2].split()[0]) / 1024
    return used


def processor(site: Site, seconds: float) -> Usage:
    """Return the processor time used during the next seconds, in percent of one core."""
    before, start = _seconds_used(site), time.perf_counter()
    time.sleep(seconds)  # this is what is measured, not a wait for an event
    after, passed = _seconds_used(site), time.perf_counter() - start
    return {kind: 100 * (used - before.get(kind, 0)) / passed for kind, used in after.items()}


def _seconds_used(site: Site) -> Usage:
    """Return the seconds of all processes since their start, with those of ended children."""
    used = defaultdict[str, float](float)
    for pid, kind in _kinds(site).items():
        with suppress(OSError):
            used[kind] += _Stat.read(pid).ticks / _TICKS
    return used


@dataclass(frozen=True)
class _Stat:
    parent: int
    ticks: int

    @classmethod
    def read(cls, pid: int) -> "_Stat":
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return cls(int(fields[1]), sum(map(int, fields[11:15])))


def _kinds(site: Site) -> Mapping[int, str]:
    """Return the kind of each process of a site by its id: from its command, or its parent's."""
    kinds = {each.pid: kind for each in processes.of_site(site) if (kind := _kind(each.pid))}
    parents = {}
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = _Stat.read(int(folder.name)).parent
    for pid in sorted(parents):
        if kind := kinds.get(parents[pid]):
            kinds.setdefault(pid, kind)
    return kinds


def _kind(pid: int) -> str | None:
    with suppress(OSError):
        words = (_PROC / str(pid) / "cmdline").read_text(errors="replace").split("\0")
        names = {Path(word).name for word in words}
        return next((kind for word, kind in _KINDS.items() if word in names), None)
    return None
