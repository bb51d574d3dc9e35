"""The files of all logs on this machine, also of allocations that have ended."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.errors import NotRootError, StaleStateError
from tasktracker_cluster.records.record import Origin
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    DATABASES,
    GATEWAY,
    MAIN_TASKS,
    RELEASE_JOBS,
    STORING_JOBS,
    TRACING_JOBS,
)

_SIDECAR = "connect-proxy-"
# The jobs that have no sidecar, by their only task that writes.
_JOBS = {
    MAIN_TASKS[GATEWAY]: GATEWAY,
    **{task: job for job, task in {**RELEASE_JOBS, **STORING_JOBS, **TRACING_JOBS}.items()},
}


@dataclass(frozen=True)
class Log:
    """One log: its files, the oldest first. Only the last one grows."""

    origin: Origin
    files: tuple[Path, ...]

    def since(self, since: datetime | None) -> "Log":
        """Return the same log without the files whose last change was before."""
        if since is None:
            return self
        return Log(self.origin, tuple(f for f in self.files if (changed(f) or since) >= since))


def changed(file: Path) -> datetime | None:
    """Return when a file was last changed, or None when it is gone."""
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def find(site: Site) -> list[Log]:
    """Return every log of this machine.

    Raises NotRootError when this user may not read them, StaleStateError when there are none.
    """
    try:
        names = sorted(file.name for file in site.logs.iterdir())
    except PermissionError as error:
        raise NotRootError("Only root may read the logs.", "Run the command with sudo.") from error
    except FileNotFoundError as error:
        raise StaleStateError(f"{site.home} has no logs.", "Start it with: ./just up") from error
    return [*_of_agents(site, names), *_of_tasks(site), *_of_databases(site)]


def _of_agents(site: Site, names: list[str]) -> Iterator[Log]:
    for agent in supervisor.LOGGED:
        # The agents put a time into the name of a full file, the supervisor a number: 1 is newest.
        full = [name for name in names if re.fullmatch(rf"{agent}-\d+\.log", name)]
        numbered = [name for name in names if re.fullmatch(rf"{agent}\.log\.\d+", name)]
        numbered.sort(key=lambda name: -int(name.rpartition(".")[2]))
        newest = [name for name in (f"{agent}.log",) if name in names]
        if found := [*full, *numbered, *newest]:
            yield Log(Origin(agent), tuple(site.logs / name for name in found))
        if f"{agent}.err" in names:
            yield Log(Origin(agent), (site.logs / f"{agent}.err",))


def _of_tasks(site: Site) -> Iterator[Log]:
    for folder in sorted(site.home.glob("nomad/alloc/*/alloc/logs")):
        instance = folder.parents[1].name[:8]
        streams: dict[tuple[str, str], list[tuple[int, Path]]] = defaultdict(list)
        for file in folder.glob("*.std*.*"):
            if found := re.fullmatch(r"([^.].*)\.(stdout|stderr)\.(\d+)", file.name):
                streams[found[1], found[2]].append((int(found[3]), file))
        job = job_of({task for task, _ in streams}) or instance
        for (task, _), files in sorted(streams.items()):
            yield Log(Origin(job, task, instance), tuple(file for _, file in sorted(files)))


def job_of(tasks: set[str]) -> str | None:
    """Return the job whose tasks these are: by its sidecar, which has its name, or its own task."""
    sidecars = [task.removeprefix(_SIDECAR) for task in tasks if task.startswith(_SIDECAR)]
    return next((job for job in (*sidecars, *map(_JOBS.get, sorted(tasks))) if job), None)


def _of_databases(site: Site) -> Iterator[Log]:
    # Of the server that prepares the database. The database's own one writes to its task's log.
    for database in DATABASES:
        file = site.volume(database.name) / "data" / "prepare.log"
        if file.exists():
            yield Log(Origin(database.name, "prepare"), (file,))
