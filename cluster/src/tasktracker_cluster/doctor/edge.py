"""The hops of the gateway: Traefik runs, answers, and has its certificate for the mesh."""

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import connection, instances
from tasktracker_cluster.doctor.hops import Hop, Path
from tasktracker_cluster.doctor.repairs import restart
from tasktracker_cluster.errors import ApiError, BrokenHopError
from tasktracker_cluster.topology import GATEWAY


def path(cluster: Cluster) -> Path:
    """Return the first hops of every request."""
    hops = (
        Hop("instance", lambda: f"allocation {instances.places(cluster, GATEWAY)}"),
        Hop("Traefik", lambda: _answers(cluster)),
        Hop("leaf certificate", lambda: _leaf(cluster)),
    )
    return Path("gateway", hops, shared=True)


def _answers(cluster: Cluster) -> str:
    try:
        cluster.traefik.status("/ping")
        cluster.gateway.status("/")
    except ApiError as error:
        allocation = instances.local(cluster, GATEWAY)["ID"]
        raise BrokenHopError(error.message, restart(allocation, "traefik")) from None
    return f"answers at {cluster.gateway.http.base_url}"


def _leaf(cluster: Cluster) -> str:
    found = connection.leaf(cluster)
    if not connection.is_used(cluster, found):
        raise BrokenHopError("Traefik has another one than Consul", connection.NEW_TRAEFIK)
    return f"for {GATEWAY}, valid until {found['ValidBefore']}"
