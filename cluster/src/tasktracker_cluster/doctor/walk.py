"""Paths of hops, and the walk along them: what lies behind a broken hop is skipped."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tasktracker_cluster.errors import AdminError

State = Literal["ok", "broken", "skipped"]


@dataclass(frozen=True)
class Hop:
    """One thing that has to work. `probe` returns what it saw, or raises an AdminError."""

    name: str
    probe: Callable[[], str]


@dataclass(frozen=True)
class Path:
    """Hops in the order in which a request meets them. Nothing works behind a broken shared one."""

    name: str
    hops: Sequence[Hop]
    shared: bool = False


@dataclass(frozen=True)
class Finding:
    """What the walk saw at one hop. `repair` is a command to type, where the hop is broken."""

    path: str
    hop: str
    state: State
    detail: str = ""
    repair: str = ""


def along(paths: Sequence[Path]) -> Iterator[Finding]:
    """Walk every path to its first broken hop; each finding comes as soon as it is known."""
    blocked = False
    for path in paths:
        broken = blocked
        for hop in path.hops:
            finding = Finding(path.name, hop.name, "skipped") if broken else _look(path, hop)
            broken = broken or finding.state == "broken"
            yield finding
        blocked = blocked or (path.shared and broken)


def _look(path: Path, hop: Hop) -> Finding:
    try:
        return Finding(path.name, hop.name, "ok", hop.probe())
    except AdminError as error:
        return Finding(path.name, hop.name, "broken", error.message.rstrip("."), error.hint)
