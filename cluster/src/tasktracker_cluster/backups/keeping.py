"""The job that keeps backups: switching it on and off, and backups in between."""

import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from string import Template

from tasktracker_cluster import topology
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.backups import repository
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import (
    BadRepositoryError,
    CommandError,
    NotReadyError,
)
from tasktracker_cluster.jobs import deployment, postgres, signing_keys
from tasktracker_cluster.jobs.tasks import Task
from tasktracker_cluster.machine import files, shell, wait
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP, BACKUP_JOBS, BACKUP_USER, DATABASES

LIMIT_SECONDS = 120
EVIDENCE_LINES = 20

_DATABASE = """
[$name]
conninfo = host=127.0.0.1 port=$port user=$role dbname=postgres
streaming_conninfo = host=127.0.0.1 port=$port user=$role
"""


def switch_on(cluster: Cluster, steps: Steps, folder: Path | None) -> None:
    """Keep backups from now on, in `folder` or in the state folder. Wait for the first ones.

    Raises NotReadyError without a running cluster, BadRepositoryError for an unusable folder.
    """
    site = cluster.site
    if not supervisor.is_running(site) or not site.node.is_first:
        raise NotReadyError(
            "There is no running cluster whose first machine this is.", "Start one with: ./just up"
        )
    with steps.step("repository") as step:
        create(site, folder)
        step.detail = str(site.repository.resolve())
    with steps.step(BACKUP):
        since = time.time()
        start(cluster, signing_keys.job_variables(cluster, installed.current(site)))
        deployment.wait_healthy(cluster, BACKUP, since)
    for database in DATABASES:
        with steps.step(f"first backup of {database.name}"):
            _wait_for_a_backup(site, database.name)


def switch_off(cluster: Cluster, steps: Steps) -> None:
    """Keep no backups any more. Those that there are stay. Raises what deployment.stop does."""
    repository.must_be_on(cluster.site)
    with steps.step(BACKUP):
        if supervisor.is_running(cluster.site):
            deployment.stop(cluster, BACKUP)
            for database in DATABASES:
                _drop_slot(cluster.site, database.name)
        cluster.site.barman_conf.unlink()


def create(site: Site, folder: Path | None = None) -> None:
    """Make the folders of the repository, or correct them, and write Barman's settings.

    Raises BadRepositoryError when `folder` cannot be the repository.
    """
    site.backup.mkdir(exist_ok=True, mode=0o755)
    if folder is not None and site.repository.resolve() != folder.resolve():
        if site.repository.exists():
            raise BadRepositoryError(
                f"The repository is in {site.repository.resolve()} already.",
                f"Move it to {folder}, and make {site.repository} a link to it.",
            )
        if folder.exists() and (not folder.is_dir() or _belongs_to_others(folder)):
            raise BadRepositoryError(
                f"{folder} has files that are no backups.", "Choose a new folder."
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        site.repository.unlink(missing_ok=True)  # a link to a folder that is gone
        site.repository.symlink_to(folder)
    site.repository.resolve().mkdir(exist_ok=True, mode=0o700)
    shutil.chown(site.repository, BACKUP_USER, BACKUP_USER)
    site.repository.chmod(0o700)
    files.write(site.barman_conf, _settings(site))
    try:
        repository.run(site, "/usr/bin/test", "-w", str(site.repository))
    except CommandError:
        site.barman_conf.unlink()
        raise BadRepositoryError(
            f"The user {BACKUP_USER} cannot enter {site.repository.resolve()}.",
            "Choose a folder below one that every user can enter.",
        ) from None


def start(cluster: Cluster, variables: Mapping[str, str]) -> None:
    """Start the job, without waiting for it. Raises CommandError."""
    deployment.submit(cluster, BACKUP, variables)


def back_up(cluster: Cluster, database: str) -> None:
    """Make a base backup of a database and verify it.

    Raises NoSpaceError when the repository is too full, NoInstanceError when the job does not run,
    CommandError when the backup failed.
    """
    site = cluster.site
    repository.must_be_on(site)
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


def behind(site: Site, database: str) -> int | None:
    """Return how many bytes of the database's log are not received yet; None: nobody receives.

    The receiver reports every ten seconds. Raises CommandError when the database does not answer.
    """
    statement = (
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), write_lsn)::bigint FROM pg_stat_replication "
        "WHERE application_name = 'barman_receive_wal'"
    )
    printed = shell.run(postgres.query(site, database, statement)).strip()
    return max(0, int(printed)) if printed else None


def _settings(site: Site) -> str:
    template = (site.checkout / "nomad/jobs/backup/barman.conf.tmpl").read_text()
    databases = [
        Template(_DATABASE).substitute(
            name=each.name, port=each.dev_port, role=each.role(topology.BACKUP_ROLE)
        )
        for each in DATABASES
    ]
    return Template(template).substitute(
        user=BACKUP_USER,
        repository=site.repository,
        pgbin=postgres.BIN,
        databases="".join(databases),
    )


def _belongs_to_others(folder: Path) -> bool:
    return folder.owner() != BACKUP_USER and any(folder.iterdir())


def _wait_for_a_backup(site: Site, database: str) -> None:
    verified = site.repository / database / "verified"
    try:
        wait.until(f"a backup of {database}", verified.exists, LIMIT_SECONDS)
    except NotReadyError as error:
        log = shell.tail(site.repository / "barman.log")
        raise NotReadyError(error.message, f"Look closer: ./just logs {BACKUP}", log) from error


def _drop_slot(site: Site, database: str) -> None:
    # A slot that nobody uses would keep the log of the database.
    statement = (
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
        "WHERE slot_name = 'barman' AND NOT active"
    )
    shell.run(postgres.query(site, database, statement))
