"""Processes that belong to a site although nothing looks after them any more.

A supervisor that was killed leaves its agents, an agent that was killed leaves its tasks. They are
recognised by the state folder in their command line or their working folder, and ended by their id.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import Site

LIMIT_SECONDS = 70  # a database's clean shutdown may take a minute


@dataclass(frozen=True)
class Orphan:
    """A process of the site; `name` is its program's.

    The proxy before the agents' pages is an agent here: it ends, and is started, with them.
    """

    pid: int
    name: str
    is_agent: bool


def of_site(site: Site) -> list[Orphan]:
    """Every process that was started from the site's state folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) != os.getpid() and (orphan := _examine(site, folder)):
            found.append(orphan)
    return found


def end_all(site: Site) -> int:
    """End what is left of the site, agents first so that they restart nothing; say how many."""
    return _end("the site's processes", lambda: of_site(site))


def end_agents(site: Site) -> int:
    """End agents that no supervisor looks after; their tasks go on. Say how many."""
    return _end("the agents", lambda: [orphan for orphan in of_site(site) if orphan.is_agent])


def _end(what: str, find: Callable[[], list[Orphan]]) -> int:
    orphans = find()
    for orphan in sorted(orphans, key=lambda o: not o.is_agent):
        _signal(orphan)
    wait.until(f"the end of {what}", lambda: not find(), LIMIT_SECONDS)
    return len(orphans)


def _examine(site: Site, folder: Path) -> Orphan | None:
    try:
        words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        cwd = os.readlink(folder / "cwd")
    except OSError:  # it ended meanwhile
        return None
    home = f"{site.home}/"
    in_command = any(home in word for word in words)
    if not in_command and not cwd.startswith(home):
        return None
    if words[0].startswith("postgres: "):  # a child: its postmaster ends it
        return None
    program = Path(words[0]).name
    is_agent = any(f"{home}{part}/" in word for word in words for part in ("agent", "pages"))
    # A person's editor or shell in the folder is none of ours.
    if not is_agent and f"{home}releases/" not in words[0] and program not in ("postgres", "nomad"):
        return None
    return Orphan(int(folder.name), program, is_agent)


def _signal(orphan: Orphan) -> None:
    # PostgreSQL's fast shutdown is SIGINT; SIGTERM would wait for its clients.
    number = signal.SIGINT if orphan.name == "postgres" else signal.SIGTERM
    with contextlib.suppress(ProcessLookupError):
        os.kill(orphan.pid, number)
