"""The job that keeps backups: switching it on and off, and backups in between."""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tasktracker_cluster.agents import backups_program, supervisor
from tasktracker_cluster.backups import disk, repository
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import CommandError, NoInstanceError, NotReadyError
from tasktracker_cluster.jobs import deployment, replication, signing_keys
from tasktracker_cluster.jobs.tasks import Task
from tasktracker_cluster.machine import preflight, shell, wait
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP, BACKUP_JOBS, DATABASES

LIMIT_SECONDS = 300  # a second try of a backup comes after a minute
ANSWER_SECONDS = 10
EVIDENCE_LINES = 20


def switch_on(cluster: Cluster, steps: Steps, folder: Path | None) -> None:
    """Keep backups from now on, in `folder` or in the state folder. Wait for the first ones.

    Raises NotReadyError without a running cluster, BadRepositoryError for an unusable folder or
    when its disk is not there.
    """
    site = cluster.site
    _must_run(site)
    with steps.step("repository") as step:
        disk.must_be_whole(folder or site.repository)
        disk.create(site, folder)
        step.detail = str(site.repository.resolve())
    replication.write_settings(cluster, keep_log=True)
    with steps.step(BACKUP):
        since = time.time()
        start(cluster, signing_keys.job_variables(cluster, installed.current(site)))
        deployment.wait_healthy(cluster, BACKUP, since)
    for database in DATABASES:
        with steps.step(f"first backup of {database.name}"):
            _wait_for_a_backup(site, database.name)
    watch(site)


def switch_off(cluster: Cluster, steps: Steps) -> None:
    """Keep no backups any more, and no log for them. The backups that there are stay.

    Raises NotReadyError without a running cluster, or when a part of the job does not end in time.
    """
    site = cluster.site
    repository.must_be_on(site)
    _must_run(site)
    with steps.step(BACKUP):
        deployment.stop(cluster, BACKUP)
        replication.write_settings(cluster, keep_log=False)
        for database in DATABASES:
            _wait_for_the_end_of_the_slot(cluster, database.name)
        site.barman_conf.unlink()
        supervisor.halt(site, backups_program.NAME)
        supervisor.render_own(site)


def go_on(cluster: Cluster, steps: Steps, variables: Mapping[str, str]) -> bool:
    """Start the job where backups are on, without waiting for it. Return whether it starts.

    Without the disk of the backups it stops: it would begin anew in the folder that is there then.
    Raises CommandError, BadRepositoryError, and what deployment.stop does.
    """
    site = cluster.site
    if not repository.is_on(site):
        return False
    if disk.is_missing(site):
        with steps.step(BACKUP) as step:
            deployment.stop(cluster, BACKUP)
            step.detail = f"{disk.GONE}: mount {site.repository.resolve()}, then ./just up"
        return False
    disk.create(site)
    start(cluster, variables)
    return True


def start(cluster: Cluster, variables: Mapping[str, str]) -> None:
    """Start the job, without waiting for it. Raises CommandError."""
    deployment.submit(cluster, BACKUP, variables)


def watch(site: Site) -> None:
    """Let the supervisor run the program that has backups copied and tried."""
    changed = backups_program.render(site)
    supervisor.ensure(site, backups_program.NAME, supervisor.render_own(site) or changed)


def back_up(cluster: Cluster, database: str) -> None:
    """Make a base backup of a database and verify it.

    Raises BadRepositoryError when its disk is not there, NoSpaceError when it is too full,
    NoInstanceError when the job does not run, CommandError when the backup failed.
    """
    site = cluster.site
    repository.must_be_on(site)
    disk.must_be_there(site)
    size = shell.run(["du", "--bytes", "--summarize", site.volume(database) / "data"]).split()[0]
    repository.must_have_space(site.repository, int(size), "a backup")
    task = Task.find(cluster, BACKUP, BACKUP_JOBS[BACKUP])
    result = subprocess.run(
        task.command(["/bin/sh", "local/back-up.sh", database]),
        env=task.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        printed = (result.stdout + result.stderr).strip().splitlines()
        log = shell.tail(site.repository / "barman.log", 5)
        raise CommandError(
            f"The backup of {database} failed.",
            f"Look closer: ./just logs {BACKUP}",
            [*printed[-EVIDENCE_LINES:], *log],
        )


def _wait_for_a_backup(site: Site, database: str) -> None:
    verified = site.repository / database / "verified"
    try:
        wait.until(f"a backup of {database}", verified.exists, LIMIT_SECONDS)
    except NotReadyError as error:
        log = shell.tail(site.repository / "barman.log")
        raise NotReadyError(error.message, f"Look closer: ./just logs {BACKUP}", log) from error


def _must_run(site: Site) -> None:
    preflight.must_be_first(site, "./just backup")
    supervisor.must_run(site)


def _wait_for_the_end_of_the_slot(cluster: Cluster, database: str) -> None:
    """Wait until the leader keeps no log for the backups. Patroni deletes the slot.

    A leader may answer late, or another member may begin to lead, so it is asked again. Raises
    NotReadyError after the limit, with the last answer that was none.
    """
    statement = "SELECT 1 FROM pg_replication_slots WHERE slot_name = 'barman'"
    silent: CommandError | NoInstanceError | None = None

    def is_gone() -> bool:
        nonlocal silent
        try:
            found = replication.query(cluster, database, statement, ANSWER_SECONDS)
        except (CommandError, NoInstanceError) as error:
            silent = error
            return False
        silent = None
        return not found.strip()

    try:
        wait.until(f"the end of the slot of {database}", is_gone, LIMIT_SECONDS)
    except NotReadyError as error:
        if silent is None:
            raise
        message = f"{error.message} {silent.message}"
        raise NotReadyError(message, silent.hint, silent.evidence) from error
