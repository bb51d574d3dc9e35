"""The paths of requests through the system, in the order in which they are checked."""

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import (
    archive,
    cluster_nodes,
    database,
    edge,
    host,
    observing_jobs,
    release_jobs,
    scheduling,
    service,
)
from tasktracker_cluster.doctor.hops import Path
from tasktracker_cluster.topology import SERVICES, Service


def all_paths(cluster: Cluster) -> list[Path]:
    """Return the shared paths, then a path to each service and its upstreams, and the rest.

    On a machine that has joined they are those of the machine only: it has no databases, and no
    token for commands inside tasks, so a healthy cluster would look broken.
    """
    own = [host.path(cluster), scheduling.path(cluster)]
    if not cluster.site.node.is_first:
        return own
    services = [_path(cluster, each) for each in SERVICES]
    nodes, releases = cluster_nodes.paths(cluster), release_jobs.path(cluster)
    others = [releases, *observing_jobs.paths(cluster), *archive.paths(cluster)]
    return [*own, edge.path(cluster), *nodes, *services, *others]


def _path(cluster: Cluster, one: Service) -> Path:
    hops = service.hops(cluster, one.name)
    if one.database:
        hops += database.hops(cluster, one.name, one.database.name)
    for call in one.upstream_calls:
        hops += service.upstream_hops(cluster, one.name, call)
    return Path(one.name, [*hops, service.response_hop(cluster, one)])
