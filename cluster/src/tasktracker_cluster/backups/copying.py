"""A copy of the repository, and of the state of Consul and Nomad, in the place that was named."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tasktracker_cluster.agents import consul, nomad, supervisor
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.backups import copies, disk, repository, restic
from tasktracker_cluster.backups.copies import Copied
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, CommandError
from tasktracker_cluster.machine import shell, waiting_lock
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP_USER, DATABASES

LINKED = "copying"  # the folder of the repository that is copied
AGENTS = "agents"  # the folder of the agents' snapshots

_LINK = Path(__file__).with_name("link.sh")


def copy(cluster: Cluster, steps: Steps, *, thorough: bool = True) -> None:
    """Copy the repository and the agents' state, and check the copies. One at a time: this waits.

    A `thorough` copy also deletes those that are too old, and reads a part of all data. Raises
    CopiesOffError, BadRepositoryError when the disk of the backups is not there, NotReadyError
    without a running cluster, and what restic.Store does.
    """
    site = cluster.site
    copies.must_be_on(site)
    with waiting_lock.held(_lock(site)):
        try:
            _copy(cluster, steps, thorough=thorough)
        except AdminError as error:
            site.copies_fault.write_text(f"{error.message.rstrip('.')}\n")
            raise


def switch(site: Site, steps: Steps, place: str, key: Path | None) -> None:
    """Copy to this place from now on; empty: copy no more. This makes no copy.

    Raises what copies.prepare does.
    """
    if not place:
        site.copies_file.unlink(missing_ok=True)
        return
    with steps.step("place of the copies") as step:
        kept = copies.prepare(site, place, key)
        step.detail = f"{place}, the key of the copies before is in {kept}" if kept else place


def verify(site: Site) -> None:
    """Compare all data of the copies with their checksums. Raises DamagedCopyError."""
    with waiting_lock.held(_lock(site)):
        copies.store(site).check(all_data=True)


def is_thorough_due(site: Site) -> bool:
    """Return whether a base backup was made since the last thorough copy."""
    known = copies.last(site)
    if known is None:
        return True
    since = datetime.fromisoformat(known.thorough_at).timestamp()
    made = [site.repository / each.name / "verified" for each in DATABASES]
    return any(file.exists() and file.stat().st_mtime > since for file in made)


def _copy(cluster: Cluster, steps: Steps, *, thorough: bool) -> None:
    site, store, now = cluster.site, copies.store(cluster.site), datetime.now(UTC)
    disk.must_be_there(site)
    supervisor.must_run(site)
    with steps.step("state of Consul and Nomad"):
        agents = _snapshots(cluster)
    with steps.step("copy") as step, _linked(site) as linked:
        name = step.detail = store.add([linked, agents])
    if thorough:
        with steps.step("old copies"):
            store.forget()
    with steps.step("check"):
        store.check(now.toordinal() % restic.PARTS + 1 if thorough else 0)
    known = copies.last(site)
    thorough_at = now.isoformat() if thorough or known is None else known.thorough_at
    copies.remember(site, Copied(name, now.isoformat(), thorough_at))
    os.utime(site.copied_file, times=(now.timestamp(), now.timestamp()))


def _snapshots(cluster: Cluster) -> Path:
    """Write the state of both agents into a folder that only root reads, and return the folder."""
    folder = cluster.site.backup / AGENTS
    folder.mkdir(mode=0o700, exist_ok=True)
    _snapshot(cluster.consul, "/v1/snapshot", folder / "consul.snap")
    _snapshot(cluster.nomad, "/v1/operator/snapshot", folder / "nomad.snap")
    # They compare checksums.
    _run(cluster.site, consul.environment, "consul", "snapshot", "inspect", folder / "consul.snap")
    _run(cluster.site, nomad.environment,
         "nomad", "operator", "snapshot", "inspect", folder / "nomad.snap")  # fmt: skip
    return folder


def _run(
    site: Site, variables: Callable[[Site], dict[str, str]], program: str, *words: str | Path
) -> None:
    shell.run([site.bin / program, *words], env=variables(site))


def _snapshot(api: Api, path: str, file: Path) -> None:
    content = api.content(path)
    if not content:
        raise CommandError(f"{api.name} gave no snapshot of its state.", "Try again later.")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(content)


@contextmanager
def _linked(site: Site) -> Iterator[Path]:
    """Give a folder with one state of the repository during the block, which goes on meanwhile."""
    place = site.repository.resolve()
    try:
        # Not behind the wall: Landlock allows no link into another folder.
        script = ("/bin/sh", "-c", _LINK.read_text(), "sh", site.repository)
        shell.run(["runuser", "-u", BACKUP_USER, "--", *script], cwd=Path("/"))
        yield place / LINKED
    finally:
        repository.run(site, "/bin/rm", "-rf", str(site.repository / LINKED))


def _lock(site: Site) -> Path:
    return site.backup / ".copying"
