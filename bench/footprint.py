"""What a cluster's processes use: memory, and processor time, for each kind of process."""

import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bench import process_times
from bench.process_times import Times
from tasktracker_cluster.machine import processes
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import SERVICES

_PROC = Path("/proc")

# The words in a command line that tell its kind. The first match counts.
_KINDS = {
    "logmon": "log collectors",
    "executor": "executors",
    "envoy.yaml": "pages proxy",
    "envoy": "sidecars",
    "patroni": "Patroni",
    "postgres": "PostgreSQL",
    "traefik": "Traefik",
    "/artifacts": "artifact store",
    "supervisord.conf": "supervisor",
    "consul": "Consul agent",
    "nomad": "Nomad agent",
    **{service.module: service.name for service in SERVICES},
}

FILES = "files of programs"

Usage = Mapping[str, float]
"""What the processes of each kind use together."""


def memory(site: Site) -> Usage:
    """Return the proportional set sizes in MiB: a page that n processes share counts as 1/n.

    The pages of files are a kind of their own. Another cluster on the machine shares them.
    """
    used = defaultdict[str, float](float)
    for pid, kind in _kinds(site, process_times.of_all()).items():
        with suppress(OSError):  # the process ended in the meantime
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
            sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines}
            used[kind] += sizes["Pss_Anon:"] + sizes["Pss_Shmem:"]
            used[FILES] += sizes["Pss_File:"]
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
    known = process_times.of_all()
    for pid, kind in _kinds(site, known).items():
        if pid in known:  # else it began a moment ago
            used[kind] += known[pid].seconds
    return used


def _kinds(site: Site, known: Mapping[int, Times]) -> Mapping[int, str]:
    """Return the kind of each process of a site by its id: from its command, or its parent's."""
    kinds = {each.pid: kind for each in processes.of_site(site) if (kind := _kind(each.pid))}
    for pid in sorted(known):
        if kind := kinds.get(known[pid].parent):
            kinds.setdefault(pid, kind)
    return kinds


def _kind(pid: int) -> str | None:
    with suppress(OSError):
        words = processes.command_line(_PROC / str(pid))
        names = {Path(word).name for word in words}
        return next((kind for word, kind in _KINDS.items() if word in names), "others")
    return None
