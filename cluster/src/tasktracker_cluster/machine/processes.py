"""Orphaned processes of a site.

A killed supervisor leaves its agents, and a killed agent leaves its tasks. A process belongs to the
site if the state folder is in its command line or is its working folder, or if Nomad's variables
say that it is a task of the site: a shell or a wall that has not become its program yet. It is
ended by its id.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import OBSERVING_PROGRAMS, TRACES_PROGRAM

# The programs outside a release that tasks run.
TASK_PROGRAMS = ("postgres", "pg_receivewal", "nomad", *OBSERVING_PROGRAMS, TRACES_PROGRAM)

LIMIT_SECONDS = 180  # a clean shutdown of a database may take a minute, and a busy machine more


@dataclass(frozen=True)
class Orphan:
    """A process of the site. `name` is the name of its program.

    The proxy before the agents' pages counts as an agent: it starts and ends with them.
    """

    pid: int
    name: str
    is_agent: bool


def of_site(site: Site) -> list[Orphan]:
    """Return every process that was started from the site's state folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) != os.getpid() and (orphan := _examine(site, folder)):
            found.append(orphan)
    return found


def command_line(process: Path) -> list[str]:
    """Return the words of a process of /proc, with an empty one last. Raises OSError if it ended.

    They may be no UTF-8.
    """
    return (process / "cmdline").read_bytes().decode(errors="replace").split("\0")


def end_all(site: Site) -> int:
    """End all processes of the site and return how many. Agents end first: they restart tasks."""
    return _end("the site's processes", lambda: of_site(site))


def end_agents(site: Site) -> int:
    """End the agents and return how many. Their tasks go on."""
    return _end("the agents", lambda: [orphan for orphan in of_site(site) if orphan.is_agent])


def _end(what: str, find: Callable[[], list[Orphan]]) -> int:
    orphans = find()
    for orphan in sorted(orphans, key=lambda o: not o.is_agent):
        _signal(orphan)
    wait.until(f"the end of {what}", lambda: not find(), LIMIT_SECONDS)
    return len(orphans)


def _examine(site: Site, folder: Path) -> Orphan | None:
    try:
        words = command_line(folder)
        cwd = os.readlink(folder / "cwd")
    except OSError:  # the process ended in the meantime
        return None
    home = f"{site.home}/"
    in_command = any(home in word for word in words)
    of_allocation = any(each.startswith(f"NOMAD_ALLOC_DIR={home}") for each in _variables(folder))
    if not in_command and not cwd.startswith(home) and not of_allocation:
        return None
    if words[0].startswith("postgres: "):  # a child: its postmaster ends it
        return None
    program = Path(words[0]).name
    is_agent = any(f"{home}{part}/" in word for word in words for part in ("agent", "pages"))
    # An operator's editor or shell in the folder is not the site's.
    is_task = f"{home}releases/" in words[0] or program in TASK_PROGRAMS
    if not is_agent and not is_task and not of_allocation:
        return None
    return Orphan(int(folder.name), program, is_agent)


def _variables(folder: Path) -> list[str]:
    try:
        return (folder / "environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # it ended in the meantime, or is another user's and this one is not root
        return []


def _signal(orphan: Orphan) -> None:
    # PostgreSQL's fast shutdown is SIGINT; SIGTERM would wait for its clients.
    number = signal.SIGINT if orphan.name == "postgres" else signal.SIGTERM
    with contextlib.suppress(ProcessLookupError):
        os.kill(orphan.pid, number)
