"""The gateway's own hops: Traefik runs, answers, and has its certificate for the mesh."""

from tasktracker_cluster.doctor import mesh
from tasktracker_cluster.doctor.ground import Ground, restart
from tasktracker_cluster.doctor.walk import Hop, Path
from tasktracker_cluster.errors import ApiError, BrokenHopError


def path(ground: Ground) -> Path:
    """What every request meets first."""
    hops = (
        Hop("instance", lambda: f"allocation {ground.allocation('traefik')['ID'][:8]}"),
        Hop("Traefik", lambda: _answers(ground)),
        Hop("leaf certificate", lambda: _leaf(ground)),
    )
    return Path("gateway", hops, shared=True)


def _answers(ground: Ground) -> str:
    try:
        ground.traefik.status("/ping")
        ground.gateway.status("/")
    except ApiError as error:
        allocation = ground.allocation("traefik")["ID"]
        raise BrokenHopError(error.message, restart(allocation, "traefik")) from None
    return f"answers at {ground.gateway.http.base_url}"


def _leaf(ground: Ground) -> str:
    found = mesh.leaf(ground)
    return f"for {mesh.SOURCE}, good until {found['ValidBefore']}"
