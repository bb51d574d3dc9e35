"""Nomad's clients: drain, enable, and forget one."""

from typing import Any

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NoNodeError
from tasktracker_cluster.machine import wait
from tasktracker_cluster.membership import members, node_tokens, quorum

DRAIN_SECONDS = 300
GONE_SECONDS = 60


def find(cluster: Cluster, name: str) -> dict[str, Any]:
    """Return Nomad's newest node of this name. Raises NoNodeError when there is none."""
    known = [node for node in cluster.nomad.call("GET", "/v1/nodes") if node["Name"] == name]
    if not known:
        names = ", ".join(each.name for each in members.all_of(cluster.consul))
        raise NoNodeError(f"There is no machine {name}.", f"The machines are: {names}")
    return dict(max(known, key=lambda node: int(node["CreateIndex"])))


def drain(cluster: Cluster, name: str) -> None:
    """Move the instances of a machine to others, and wait until none is left that can move."""
    node = find(cluster, name)
    spec = {"Deadline": DRAIN_SECONDS * 10**9, "IgnoreSystemJobs": False}
    path = f"/v1/node/{node['ID']}/drain"
    cluster.nomad.call("PUT", path, {"DrainSpec": spec, "MarkEligible": False})
    wait.until(
        f"the end of the drain of {name}",
        lambda: not cluster.nomad.call("GET", f"/v1/node/{node['ID']}")["DrainStrategy"],
        DRAIN_SECONDS + GONE_SECONDS,
    )


def enable(cluster: Cluster, name: str) -> None:
    """Let a machine take instances again."""
    path = f"/v1/node/{find(cluster, name)['ID']}/drain"
    cluster.nomad.call("PUT", path, {"DrainSpec": None, "MarkEligible": True})


def forget(cluster: Cluster, name: str) -> None:
    """Remove every trace of a machine whose agents have ended, and choose the servers anew."""
    quorum.release(cluster, name)
    cluster.consul.call("PUT", f"/v1/agent/force-leave/{name}", prune="true")
    cluster.nomad.call("PUT", "/v1/agent/force-leave", node=f"{name}.global", prune="true")
    for node in cluster.nomad.call("GET", "/v1/nodes"):
        if node["Name"] == name:
            cluster.nomad.call("PUT", f"/v1/node/{node['ID']}/purge")
    node_tokens.delete(cluster.consul, name)
    members.remove(cluster.consul, name)
    quorum.choose(cluster.consul)
