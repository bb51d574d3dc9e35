"""Bringing a restored database live: its data folder takes the place of the present one."""

import ctypes
import os
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tasktracker_cluster import topology
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.backups import repository, timelines
from tasktracker_cluster.backups.recovery import Restored
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import (
    AdminError,
    BadRepositoryError,
    CommandError,
    NotReadyError,
    RestoreFailedError,
)
from tasktracker_cluster.jobs import (
    deployment,
    gateway,
    numbers,
    replication,
    signing_keys,
    switchover,
)
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed

LEADING_SECONDS = 120  # a busy machine takes its time

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux' renameat2


def must_be_possible(cluster: Cluster) -> None:
    """Raise NotReadyError when no database can be stopped and started."""
    supervisor.must_run(cluster.site, "Start it: ./just up")


def bring_live(cluster: Cluster, steps: Steps, restored: Restored) -> Path | None:
    """Let the database run on the restored data. Return the folder of those that it had.

    If it does not start on them, it gets the old ones back. Raises the error of that then, and
    NotReadyError when the gateway does not answer afterwards.
    """
    database, data = restored.database, cluster.site.volume(restored.database) / "data"
    new = data.with_name("data.restoring")
    with steps.step("data folder"):
        if new.exists():  # of a restore that ended before the folders changed places
            shutil.rmtree(new)
        place(restored, new)
    before = None
    try:
        with steps.step(f"stop {database}"):
            deployment.stop(cluster, database)
        timelines.note_end(cluster.site, database)
        repository.begin_anew(cluster.site, database)
        before = _swap(new, data)
        replication.forget(cluster, database)
        with steps.step(f"start {database}"):
            _start(cluster, database)
            _must_lead(cluster, database)
        replication.let_others_start(cluster, database)
    except AdminError as error:
        with steps.step("put the old data back" if before else f"start {database} again"):
            _put_back(cluster, database, before, error)
        raise
    try:
        with steps.step("gateway"):
            gateway.wait_healthy()
    except NotReadyError as error:
        kept = f" Its old data are in {before}." if before else ""
        hint = f"{database} runs on the restored data.{kept} Look closer: ./just status"
        raise NotReadyError(error.message, hint) from error
    return before


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


def _must_lead(cluster: Cluster, database: str) -> None:
    """Wait until the member of this machine, which has the restored data, takes writes.

    A job may be healthy as soon as its tasks run: Patroni runs also while PostgreSQL cannot start.
    Raises JobFailedError.
    """
    name = numbers.member(cluster)
    try:
        wait.until(
            f"{name} as the leader of {database}",
            lambda: switchover.leads(cluster, database, name),
            LEADING_SECONDS,
        )
    except NotReadyError as error:
        message = f"{name} of {database} does not lead on the restored data."
        raise deployment.failure(cluster, database, message) from error


def _put_back(cluster: Cluster, database: str, before: Path | None, error: AdminError) -> None:
    """Start the database on the data that it had, if it had some, after an error."""
    data = cluster.site.volume(database) / "data"
    try:
        if before is not None and before.exists():
            deployment.stop(cluster, database)
            _exchange(before, data)
            before.replace(data.with_name("data.restoring"))
            replication.forget(cluster, database)
            with suppress(CommandError):  # then a backup is made without need
                repository.go_on(cluster.site, database)
        replication.let_others_start(cluster, database)  # all have the old data
        _start(cluster, database)
    except AdminError as second:
        kept = before if before is not None and before.exists() else data
        raise RestoreFailedError(
            f"{database} started neither on the restored data nor again: {second.message}",
            f"Its data are in {kept}. Start it: ./just up",
            [error.message, *error.evidence, *second.evidence],
        ) from error


def _swap(new: Path, data: Path) -> Path | None:
    """Let restored data take their place, and return the folder of the old ones, if any.

    If the command is killed on the way, no folder that may be deleted has the old ones.
    """
    if not data.exists():  # the database had lost them
        new.replace(data)
        return None
    before = data.with_name(f"data.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    new.replace(before)
    try:
        _exchange(before, data)
    except RestoreFailedError:
        before.replace(new)
        raise
    return before


def _exchange(one: Path, other: Path) -> None:
    """Let two folders change their names in one step: at no moment is there none of a name."""
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise RestoreFailedError(
            f"{one} and {other} cannot change places: {reason}.",
            "Restore with --into, and move the folders while the cluster is down.",
        )
