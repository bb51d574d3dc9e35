"""The paths of requests through the system, in the order in which they are checked."""

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import (
    cluster_nodes,
    database,
    edge,
    host,
    release_jobs,
    scheduling,
    service,
)
from tasktracker_cluster.doctor.hops import Path
from tasktracker_cluster.errors import WrongMachineError
from tasktracker_cluster.topology import SERVICES, Service


def all_paths(cluster: Cluster) -> list[Path]:
    """Return the shared paths, then a path to each service and its upstreams, and the releases.

    Raises WrongMachineError on a machine that has joined: it has no databases, and no token for
    commands inside tasks, so a healthy cluster would look broken.
    """
    if not cluster.site.node.is_first:
        raise WrongMachineError(
            "This machine has joined a cluster: doctor cannot check it from here.",
            f"Run it on the first machine, {cluster.site.node.first}. Here: ./just status",
        )
    shared = [host.path(cluster), scheduling.path(cluster), edge.path(cluster)]
    services = [_path(cluster, each) for each in SERVICES]
    return [*shared, *cluster_nodes.paths(cluster), *services, release_jobs.path(cluster)]


def _path(cluster: Cluster, one: Service) -> Path:
    hops = service.hops(cluster, one.name)
    if one.database:
        hops += database.hops(cluster, one.name, one.database.name)
    for call in one.upstream_calls:
        hops += service.upstream_hops(cluster, one.name, call)
    return Path(one.name, [*hops, service.response_hop(cluster, one)])
