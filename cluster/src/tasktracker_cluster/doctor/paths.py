"""Every way that a request takes through the system, in the order in which it is walked."""

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import database, edge, host, scheduling, service
from tasktracker_cluster.doctor.walk import Path
from tasktracker_cluster.topology import SERVICES, Service


def of(cluster: Cluster) -> list[Path]:
    """Return what all requests share, then the way to each service and on from there."""
    shared = [host.path(cluster), scheduling.path(cluster), edge.path(cluster)]
    return [*shared, *(_path(cluster, each) for each in SERVICES)]


def _path(cluster: Cluster, one: Service) -> Path:
    hops = service.to(cluster, one.name)
    if one.database:
        hops += database.behind(cluster, one.name, one.database.name)
    for question in one.questions:
        hops += service.onward(cluster, one.name, question)
    return Path(one.name, [*hops, service.answers(cluster, one)])
