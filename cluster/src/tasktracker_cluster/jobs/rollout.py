"""Bringing a release to every node: the jobs `store` and `release`."""

import json
from collections.abc import Sequence

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import JobFailedError, NotReadyError
from tasktracker_cluster.jobs import allocations, deployment
from tasktracker_cluster.machine import wait
from tasktracker_cluster.releases.installed import Release
from tasktracker_cluster.topology import RELEASE, RELEASE_JOBS, STORE

LIMIT_SECONDS = 180
MAIN_TASK = "installed"


def start(cluster: Cluster, release: Release, nodes: Sequence[str]) -> None:
    """Let every node fetch and install the release, without waiting.

    `nodes` are the addresses of all machines, whose stores ask each other; none on one machine.
    """
    variables = {
        "release": release.name,
        "artifacts": json.dumps(release.artifacts),
        "nodes": json.dumps(nodes),
    }
    for job in RELEASE_JOBS:
        deployment.submit(cluster, job, variables)


def deployed_nodes() -> list[str]:
    """Return the addresses that the running stores have, without a token."""
    job = nomad.public_job(STORE)
    return str(((job or {}).get("Meta") or {}).get("nodes", "")).split()


def wait_installed(cluster: Cluster, since: float) -> None:
    """Wait until every node that takes jobs has the release.

    `since` is the time of the start: earlier failures do not count. Raises JobFailedError, with
    the reason in its evidence.
    """
    try:
        wait.until("the release on every node", lambda: _everywhere(cluster, since), LIMIT_SECONDS)
    except NotReadyError as error:
        raise _failure(cluster) from error


def is_one_node(cluster: Cluster) -> bool:
    """Return whether this machine is the only one that takes jobs."""
    return len(_takers(cluster)) == 1


def _everywhere(cluster: Cluster, since: float) -> bool:
    newest = cluster.nomad.call("GET", f"/v1/job/{RELEASE}")["Version"]
    known = [a for a in allocations.all_of(cluster, RELEASE) if a["JobVersion"] == newest]
    if any(a["ClientStatus"] == "failed" and a["CreateTime"] > since * 1e9 for a in known):
        raise _failure(cluster)
    done = {a["NodeID"] for a in known if is_installed(a)}
    takers = _takers(cluster)
    return bool(takers) and takers <= done


def _takers(cluster: Cluster) -> set[str]:
    return {node.identifier for node in nomad.nodes(cluster.nomad) if node.takes_jobs}


def is_installed(allocation: allocations.Allocation) -> bool:
    """Return whether the node of an allocation of RELEASE has the release.

    The allocation itself is running for Nomad while it still installs.
    """
    state = (allocation["TaskStates"] or {}).get(MAIN_TASK, {}).get("State")
    return bool(allocation["DesiredStatus"] == "run" and state == "running")


def _failure(cluster: Cluster) -> JobFailedError:
    return deployment.failure(cluster, RELEASE, "The release was not installed on every node.")
