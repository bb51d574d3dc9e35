"""Hot reload: a service is restarted when its sources change.

uvicorn's own reload is not used: when its worker is killed, its parent keeps the socket open, and
callers wait for a response until their time-out.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from watchfiles import PythonFilter, watch

from tasktracker_cluster.dev import environment
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import SERVICES, SHARED_FOLDER

POLL_MILLISECONDS = 500


def changes(site: Site) -> Iterator[list[str]]:
    """Yield the names of the programs to restart after each change.

    Yields an empty list twice a second while nothing changes. Raises KeyboardInterrupt at Ctrl-C.
    """
    services = site.checkout / "services"
    sources = [
        services / folder / "src" for folder in (SHARED_FOLDER, *(s.folder for s in SERVICES))
    ]
    for batch in watch(
        *sources,
        watch_filter=PythonFilter(),
        rust_timeout=POLL_MILLISECONDS,
        yield_on_timeout=True,
    ):
        yield affected(Path(path).relative_to(services) for _, path in batch)


def affected(paths: Iterable[Path]) -> list[str]:
    """Return the programs to restart for changed `paths`, which are relative to services/.

    A migration comes before its service.
    """
    changed = set(paths)
    folders = {path.parts[0] for path in changed}
    migrated = {path.parts[0] for path in changed if "migrations" in path.parts}
    names = []
    for service in SERVICES:
        if service.database and service.folder in migrated:
            names.append(environment.migration(service))
        if service.folder in folders or SHARED_FOLDER in folders:
            names.append(service.name)
    return names
