"""The paths of requests through the system, in the order in which they are checked."""

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import (
    archive,
    cluster_nodes,
    database,
    edge,
    hops,
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

    They begin at the gateway of this machine. Another machine than the first one has no right to
    change jobs, and no token for commands inside tasks elsewhere: the first one checks those, and
    makes the repairs (doctor/first_machine.py).
    """
    node, own = cluster.site.node, [host.path(cluster), scheduling.path(cluster)]
    services = [_path(cluster, each) for each in SERVICES]
    nodes, releases = cluster_nodes.paths(cluster), release_jobs.path(cluster)
    others = [releases, *observing_jobs.paths(cluster), *archive.paths(cluster)]
    shared = [edge.path(cluster), *nodes, *services, *others]
    if not node.is_first:
        shared = [hops.repaired_on(node.first, path) for path in shared]
    return [*own, *shared]


def _path(cluster: Cluster, one: Service) -> Path:
    found = service.hops(cluster, one.name)
    if one.database:
        found += database.hops(cluster, one.name, one.database.name)
    for call in one.upstream_calls:
        found += service.upstream_hops(cluster, one.name, call)
    return Path(one.name, [*found, service.response_hop(cluster, one)])
