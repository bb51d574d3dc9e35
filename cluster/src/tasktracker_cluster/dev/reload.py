"""Hot reload: a service whose sources change is started again.

Not uvicorn's own: its parent keeps the socket when the process that serves is killed, and callers
then wait for an answer until they give up.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from watchfiles import PythonFilter, watch

from tasktracker_cluster.dev import environment
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import SERVICES, SHARED_FOLDER

LOOK_MILLISECONDS = 500


def changes(site: Site) -> Iterator[list[str]]:
    """The programs to start again after each change; none, twice a second, while nothing changes.

    Raises KeyboardInterrupt at Ctrl-C.
    """
    services = site.checkout / "services"
    sources = [
        services / folder / "src" for folder in (SHARED_FOLDER, *(s.folder for s in SERVICES))
    ]
    for batch in watch(
        *sources,
        watch_filter=PythonFilter(),
        rust_timeout=LOOK_MILLISECONDS,
        yield_on_timeout=True,
    ):
        yield affected(Path(path).relative_to(services) for _, path in batch)


def affected(paths: Iterable[Path]) -> list[str]:
    """The programs that changes below services/ concern, migrations before their service."""
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
