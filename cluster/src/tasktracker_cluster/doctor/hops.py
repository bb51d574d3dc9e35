"""Paths of hops, and their diagnosis: hops behind a broken one are skipped."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from tasktracker_cluster.doctor import repairs
from tasktracker_cluster.errors import AdminError, BrokenHopError

State = Literal["ok", "broken", "skipped"]


@dataclass(frozen=True)
class Hop:
    """One thing that must work. `probe` returns a detail to show, or raises an AdminError."""

    name: str
    probe: Callable[[], str]


@dataclass(frozen=True)
class Path:
    """Hops in the order of a request. All later paths depend on the hops of a `shared` path."""

    name: str
    hops: Sequence[Hop]
    shared: bool = False


@dataclass(frozen=True)
class Finding:
    """The state of one hop. `repair` is a command that repairs a broken hop, else empty."""

    path: str
    hop: str
    state: State
    detail: str = ""
    repair: str = ""


def repaired_on(machine: str, path: Path) -> Path:
    """Return the same path, whose repairs are made on another machine."""
    return replace(path, hops=[Hop(each.name, partial(_for, machine, each)) for each in path.hops])


def diagnose(paths: Sequence[Path]) -> Iterator[Finding]:
    """Probe every path up to its first broken hop, and yield each finding at once.

    The hops behind a broken one are skipped, and so are all paths after a broken shared one.
    """
    blocked = False
    for path in paths:
        broken = blocked
        for hop in path.hops:
            finding = Finding(path.name, hop.name, "skipped") if broken else _probe(path, hop)
            broken = broken or finding.state == "broken"
            yield finding
        blocked = blocked or (path.shared and broken)


def _for(machine: str, hop: Hop) -> str:
    try:
        return hop.probe()
    except AdminError as error:
        raise BrokenHopError(error.message, repairs.on(machine, error.hint)) from error


def _probe(path: Path, hop: Hop) -> Finding:
    try:
        return Finding(path.name, hop.name, "ok", hop.probe())
    except AdminError as error:
        return Finding(path.name, hop.name, "broken", error.message.rstrip("."), error.hint)
