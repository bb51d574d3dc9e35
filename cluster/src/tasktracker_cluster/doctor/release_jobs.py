"""The hops of the jobs that bring releases to this machine: requests do without them."""

from functools import partial

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import instances
from tasktracker_cluster.doctor.hops import Hop, Path
from tasktracker_cluster.doctor.repairs import UP
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.jobs import rollout
from tasktracker_cluster.topology import RELEASE, STORE


def path(cluster: Cluster) -> Path:
    """Return the hops to a release. The store is the first: the other one fetches from it."""
    hops = (
        Hop(STORE, partial(_store, cluster)),
        Hop(RELEASE, partial(_release, cluster)),
    )
    return Path("releases", hops)


def _store(cluster: Cluster) -> str:
    return f"runs as {instances.local(cluster, STORE)['ID'][:8]}"


def _release(cluster: Cluster) -> str:
    if not rollout.is_installed(instances.local(cluster, RELEASE)):
        raise BrokenHopError("the newest release is not installed on this machine", UP)
    return "the newest one is installed"
