"""The owner of a state folder (a checkout), and the lock on it."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasktracker_cluster.agents import certificates, supervisor
from tasktracker_cluster.errors import BusyError, OwnedElsewhereError, StaleStateError
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Hold the site's lock, with whole pairs of certificates and keys from an interrupted command.

    Raises BusyError when another admin command holds it.
    """
    site.home.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (site.home / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"Another command is changing {site.home}.", "Wait until it ends."
            ) from error
        certificates.complete(site)
        yield


def owner(site: Site) -> Path | None:
    """Return the checkout that last started this cluster; None when there is none.

    Raises StaleStateError when the file is damaged.
    """
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
            f"Use that checkout, or stop its cluster first: {other}/just down",
        )


def take_ownership(site: Site) -> None:
    """Record that this checkout runs the cluster from now on.

    Raises StaleStateError when the folder contains files that are not TaskTracker's.
    """
    if owner(site) is None:
        foreign = {p.name for p in site.home.iterdir()} - {".lock"}
        if foreign:
            some = ", ".join(sorted(foreign)[:5])
            raise StaleStateError(
                f"{site.home} contains files that are not TaskTracker's: {some}.",
                "Empty it, or set TASKTRACKER_HOME to a folder of its own.",
            )
    files.write(site.owner_file, json.dumps({"checkout": str(site.checkout)}) + "\n")
