"""The intentions in Consul: whether one service may connect to another."""

from typing import Any

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor.hops import Hop
from tasktracker_cluster.doctor.repairs import ENV
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.topology import INTAKE


def hop(cluster: Cluster, source: str, destination: str) -> Hop:
    """Return the hop that checks the intention from `source` to `destination`."""
    return Hop(
        f"intention {source} -> {destination}", lambda: _allowed(cluster, source, destination)
    )


def _allowed(cluster: Cluster, source: str, destination: str) -> str:
    matches = cluster.consul.call(
        "GET", "/v1/connect/intentions/match", by="destination", name=destination
    )
    found = matches[destination] or []
    # The most precise intention comes first. Only the first one counts.
    first = next((each for each in found if each["SourceName"] in (source, "*")), None)
    if first is None:
        raise _broken(f"no intention allows {source} to reach {destination}", destination)
    if not _allows(first):
        raise _broken(f"an intention denies {source} to reach {destination}", destination)
    paths = [each["HTTP"]["PathExact"] for each in first.get("Permissions") or ()]
    return f"allowed: {', '.join(paths)}" if paths else "allowed"


def _allows(intention: dict[str, Any]) -> bool:
    permissions = intention.get("Permissions") or ()
    return intention.get("Action") == "allow" or any(p["Action"] == "allow" for p in permissions)


def _broken(message: str, destination: str) -> BrokenHopError:
    folder = "member-entries" if destination == INTAKE else "config-entries"
    entry = f"consul/{folder}/service-intentions/{destination}.hcl"
    return BrokenHopError(message, f"{ENV}; consul config write {entry}")
