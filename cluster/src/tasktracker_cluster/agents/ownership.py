"""Which checkout runs the cluster of a state folder, and which command works on it."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.errors import BusyError, OwnedElsewhereError, StaleStateError
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site


@contextmanager
def alone(site: Site) -> Iterator[None]:
    """Hold the site's lock. Raises BusyError when another admin command is at work."""
    site.home.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (site.home / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"Another up, down or destroy is at work on {site.home}.", "Wait for it to end."
            ) from error
        yield


def owner(site: Site) -> Path | None:
    """The checkout that this cluster was last started from."""
    try:
        return Path(json.loads(site.owner_file.read_text())["checkout"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StaleStateError(
            f"{site.owner_file} is damaged.", f"Delete that file if {site.home} is TaskTracker's."
        ) from error


def must_own(site: Site) -> None:
    """Raise OwnedElsewhereError when another checkout runs the cluster."""
    other = owner(site)
    if other in (None, site.checkout) or not other.exists():
        return
    if supervisor.is_running(site):
        raise OwnedElsewhereError(
            f"The running cluster belongs to the checkout {other}.",
            f"Work there, or stop it first: {other}/just down",
        )


def take_ownership(site: Site) -> None:
    """Note that this checkout runs the cluster from now on.

    Raises StaleStateError for a folder that holds something else.
    """
    if owner(site) is None:
        strangers = {p.name for p in site.home.iterdir()} - {".lock"}
        if strangers:
            some = ", ".join(sorted(strangers)[:5])
            raise StaleStateError(
                f"{site.home} holds files that are not TaskTracker's: {some}.",
                "Empty it, or set TASKTRACKER_HOME to a folder of its own.",
            )
    files.write(site.owner_file, json.dumps({"checkout": str(site.checkout)}) + "\n")
