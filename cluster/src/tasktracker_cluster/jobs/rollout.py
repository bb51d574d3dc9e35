"""Bringing a release to every node: the jobs `store` and `release`."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import JobFailedError, NotReadyError
from tasktracker_cluster.jobs import allocations, deployment
from tasktracker_cluster.jobs.allocations import Allocation
from tasktracker_cluster.machine import wait
from tasktracker_cluster.releases.installed import Release
from tasktracker_cluster.topology import RELEASE, RELEASE_JOBS, SHARED_STORE_PORT, STORE

LIMIT_SECONDS = 300  # each node compiles it, and a machine may be busy
MAIN_TASK = "installed"

_MISSING = {
    RELEASE: "The release was not installed on every node.",
    STORE: "The store of releases does not run on every node.",
}


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


def tell_stores(cluster: Cluster, nodes: Sequence[str]) -> None:
    """Let the running stores ask those of these machines from now on. It needs no job file.

    All restart for that, unless they know. Raises ApiError when the job is changed meanwhile.
    """
    job = cluster.nomad.find(f"/v1/job/{STORE}")
    if job is None or job["Stop"] or _nodes(job) == list(nodes):
        return
    job["Meta"]["nodes"] = " ".join(nodes)
    (task,) = job["TaskGroups"][0]["Tasks"]
    words = task["Config"]["args"]
    # They are the last words, after the one on which a store serves them.
    last = words.index(f"${{meta.tasktracker.address}}:{SHARED_STORE_PORT}")
    words[last + 1 :] = [f"{node}:{SHARED_STORE_PORT}" for node in nodes]
    body = {"Job": job, "EnforceIndex": True, "JobModifyIndex": job["JobModifyIndex"]}
    cluster.nomad.call("POST", "/v1/jobs", body)


def deployed_nodes() -> list[str]:
    """Return the addresses that the running stores have, without a token."""
    return _nodes(nomad.public_job(STORE))


def _nodes(job: Mapping[str, Any] | None) -> list[str]:
    return nomad.meta(job).get("nodes", "").split()


def wait_installed(cluster: Cluster, since: float) -> None:
    """Wait until every node that takes jobs has the release, and its store the newest addresses.

    `since` is the time of the start: earlier failures do not count. Raises JobFailedError, with
    the reason in its evidence.
    """
    # A store that still has to start again would drop who asks it meanwhile.
    for job, is_ready in ((RELEASE, is_installed), (STORE, _is_running)):
        try:
            wait.until(
                f"{job} on every node",
                partial(_everywhere, cluster, job, is_ready, since),
                LIMIT_SECONDS,
            )
        except NotReadyError as error:
            raise _failure(cluster, job) from error


def is_one_node(cluster: Cluster) -> bool:
    """Return whether this machine is the only one that takes jobs."""
    return len(_takers(cluster)) == 1


def _everywhere(
    cluster: Cluster, job: str, is_ready: Callable[[Allocation], bool], since: float
) -> bool:
    newest = cluster.nomad.call("GET", f"/v1/job/{job}")["Version"]
    known = [a for a in allocations.all_of(cluster, job) if a["JobVersion"] == newest]
    if any(a["ClientStatus"] == "failed" and a["CreateTime"] > since * 1e9 for a in known):
        raise _failure(cluster, job)
    done = {a["NodeID"] for a in known if is_ready(a)}
    takers = _takers(cluster)
    return bool(takers) and takers <= done


def _takers(cluster: Cluster) -> set[str]:
    return {node.identifier for node in nomad.nodes(cluster.nomad) if node.takes_jobs}


def is_installed(allocation: Allocation) -> bool:
    """Return whether the node of an allocation of RELEASE has the release.

    The allocation itself is running for Nomad while it still installs.
    """
    state = (allocation["TaskStates"] or {}).get(MAIN_TASK, {}).get("State")
    return bool(allocation["DesiredStatus"] == "run" and state == "running")


def _is_running(allocation: Allocation) -> bool:
    return bool(allocation["DesiredStatus"] == "run" and allocation["ClientStatus"] == "running")


def _failure(cluster: Cluster, job: str) -> JobFailedError:
    return deployment.failure(cluster, job, _MISSING[job])
