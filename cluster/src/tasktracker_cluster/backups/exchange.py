"""Bringing a restored database live: its data folder takes the place of the present one."""

import ctypes
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from tasktracker_cluster import topology
from tasktracker_cluster.backups import repository
from tasktracker_cluster.backups.recovery import Restored
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import BadRepositoryError, JobFailedError, RestoreFailedError
from tasktracker_cluster.jobs import deployment, gateway, signing_keys
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed

LIMIT_SECONDS = 60

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux' renameat2


def bring_live(cluster: Cluster, steps: Steps, restored: Restored) -> Path | None:
    """Let the database run on the restored data. Return the folder of those that it had.

    If it does not start on them, it gets the old ones back. Raises JobFailedError then.
    """
    database, data = restored.database, cluster.site.volume(restored.database) / "data"
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    # The name is right as soon as the folders have changed places.
    before = data.with_name(f"data.before-{stamp}")
    with steps.step("data folder"):
        place(restored, before)
    with steps.step(f"stop {database}"):
        deployment.stop(cluster, database)
    had_data = data.exists()
    _swap(before, data)
    try:
        with steps.step(f"start {database}"):
            _start(cluster, database)
    except JobFailedError:
        with steps.step("put the old data back"):
            deployment.stop(cluster, database)
            _swap(before, data)
            _start(cluster, database)
        raise
    with steps.step("gateway"):
        wait.until("every service healthy at the gateway", gateway.answers, LIMIT_SECONDS)
    return before if had_data else None


def place(restored: Restored, folder: Path) -> None:
    """Move restored data to a folder that does not exist, and give them to the database's user.

    Raises BadRepositoryError when the folder exists, NoSpaceError.
    """
    must_be_new(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.parent.stat().st_dev != restored.folder.stat().st_dev:
        repository.must_have_space(folder.parent, restored.backup.size, "the restored database")
    user = topology.database(restored.database).user
    shutil.move(restored.folder, folder)
    shell.run(["chown", "--recursive", "--no-dereference", f"{user}:{user}", folder])
    shell.run(["sync", "--file-system", folder])


def must_be_new(folder: Path) -> None:
    """Raise BadRepositoryError when a folder exists."""
    if folder.exists():
        raise BadRepositoryError(f"{folder} exists already.", "Choose a new folder.")


def _start(cluster: Cluster, database: str) -> None:
    since = time.time()
    variables = signing_keys.job_variables(cluster, installed.current(cluster.site))
    deployment.submit(cluster, database, variables)
    deployment.wait_healthy(cluster, database, since)


def _swap(one: Path, other: Path) -> None:
    """Let two folders change their names in one step: at no moment is there none of a name."""
    if not other.exists():  # the database had lost its data
        one.replace(other)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise RestoreFailedError(f"{one} and {other} cannot change places: {reason}.")
