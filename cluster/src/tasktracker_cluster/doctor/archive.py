"""The hops of the backups: the job that keeps them, and what it has of each database."""

from functools import partial

from tasktracker_cluster.backups import copies, disk, drill, health, repository
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import instances, intentions
from tasktracker_cluster.doctor.hops import Hop, Path
from tasktracker_cluster.doctor.repairs import LOGS, UP
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.topology import BACKUP, DATABASES


def paths(cluster: Cluster) -> list[Path]:
    """Return the hops to the backups, none where backups are off."""
    if not repository.is_on(cluster.site):
        return []
    hops = [Hop("instance", partial(_instance, cluster))]
    for database in DATABASES:
        hops += [
            intentions.hop(cluster, BACKUP, database.name),
            Hop(f"backups of {database.name}", partial(_backups, cluster, database.name)),
        ]
    hops.append(Hop("drill", partial(_drill, cluster)))
    if copies.is_on(cluster.site):
        hops.append(Hop("copies", partial(_copies, cluster)))
    return [Path("backups", hops)]


def _instance(cluster: Cluster) -> str:
    if disk.is_missing(cluster.site):
        raise BrokenHopError(disk.GONE, f"mount {cluster.site.repository.resolve()}, then {UP}")
    return f"runs as {instances.local(cluster, BACKUP)['ID'][:8]}"


def _backups(cluster: Cluster, database: str) -> str:
    found = health.of(cluster, database)
    if found.fault:
        raise BrokenHopError(found.fault, f"{LOGS} {BACKUP}")
    return found.told


def _drill(cluster: Cluster) -> str:
    found = drill.health(cluster.site)
    if found.fault:
        raise BrokenHopError(found.fault, "./just backup drill")
    return found.told


def _copies(cluster: Cluster) -> str:
    found = copies.health(cluster.site)
    if found.fault:
        raise BrokenHopError(found.fault, "./just backup copy")
    return found.told
