"""Nomad's clients: drain, enable, and forget one."""

from contextlib import suppress

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.agents.nomad import Node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, NoNodeError, NotReadyError
from tasktracker_cluster.jobs import numbers, placement, rollout, switchover
from tasktracker_cluster.machine import wait
from tasktracker_cluster.membership import members, node_tokens, quorum

DRAIN_SECONDS = 300
GONE_SECONDS = 60

KEPT_OUT = "Before it starts again, delete its state on it: ./just destroy"


def find(cluster: Cluster, name: str) -> Node:
    """Return Nomad's newest node of this name. Raises NoNodeError when there is none."""
    known = _of_name(cluster, name)
    if not known:
        raise _unknown(cluster, name)
    return known[-1]


def must_be_known(cluster: Cluster, name: str) -> None:
    """Raise NoNodeError when neither the records nor Consul nor Nomad know this machine."""
    recorded = {each.name for each in members.all_of(cluster.consul)}
    known = name in recorded | members.known(cluster.consul) or _of_name(cluster, name)
    if not known:
        raise _unknown(cluster, name)


def drain(cluster: Cluster, name: str) -> None:
    """Move the instances of a machine to others, and wait until none is left that can move.

    First the databases' leaders move, then their members on this machine stop: no other machine
    can take these. Raises NoStandbyError when a leader cannot move.
    """
    node = find(cluster, name)
    switchover.move_away(cluster, name)
    spec = {"Deadline": DRAIN_SECONDS * 10**9, "IgnoreSystemJobs": False}
    path = f"/v1/node/{node.identifier}/drain"
    cluster.nomad.call("PUT", path, {"DrainSpec": spec, "MarkEligible": False})
    wait.until(
        f"the end of the drain of {name}",
        lambda: not cluster.nomad.call("GET", f"/v1/node/{node.identifier}")["DrainStrategy"],
        DRAIN_SECONDS + GONE_SECONDS,
    )


def enable(cluster: Cluster, name: str) -> None:
    """Let a machine take instances again."""
    path = f"/v1/node/{find(cluster, name).identifier}/drain"
    cluster.nomad.call("PUT", path, {"DrainSpec": None, "MarkEligible": True})


def forget(cluster: Cluster, name: str) -> None:
    """Remove every trace of a machine whose agents have ended, and choose the servers anew.

    A second try continues an interrupted one: its rights end first, and its record last.
    """
    node_tokens.delete(cluster.consul, name)
    quorum.release(cluster, name)
    if name in members.known(cluster.consul):  # Consul refuses any other name
        cluster.consul.call("PUT", f"/v1/agent/force-leave/{name}", prune="true")
    cluster.nomad.call("PUT", "/v1/agent/force-leave", node=f"{name}.global", prune="true")
    for node in _of_name(cluster, name):
        cluster.nomad.call("PUT", f"/v1/node/{node.identifier}/purge")
    numbers.release(cluster.consul, name)
    # While a deployment of a database runs; the next `up` does it.
    with suppress(ApiError, NotReadyError):
        placement.fit_databases(cluster)
    quorum.choose(cluster, without=name)
    members.remove(cluster.consul, name)
    tell_stores(cluster)


def tell_stores(cluster: Cluster) -> None:
    """Let the stores of artifacts ask those of all machines, or leave it to the next `up`."""
    addresses = [each.address for each in members.all_of(cluster.consul)]
    with suppress(ApiError):  # the job was changed at the same time
        rollout.tell_stores(cluster, addresses)


def _of_name(cluster: Cluster, name: str) -> list[Node]:
    return [node for node in nomad.nodes(cluster.nomad) if node.name == name]


def _unknown(cluster: Cluster, name: str) -> NoNodeError:
    names = ", ".join(each.name for each in members.all_of(cluster.consul))
    return NoNodeError(f"There is no machine {name}.", f"The machines are: {names}")
