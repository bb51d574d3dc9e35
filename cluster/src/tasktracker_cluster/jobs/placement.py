"""How many instances of each service run, and on which nodes."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import allocations, lateness, numbers
from tasktracker_cluster.jobs.allocations import Allocation
from tasktracker_cluster.machine import wait
from tasktracker_cluster.topology import DATABASES, SERVICES, SIGNER, USER_DB

LIMIT_SECONDS = 300  # longer than the deadline of `migrate` in the jobs
SEVERAL = 2  # one may be lost; a third would not make the database behind them safer


def wanted(cluster: Cluster) -> int:
    """Return how many instances of each service shall run, from what was set or from the nodes.

    A node that is down counts: it will be back, and its services have moved to the others.
    """
    names = {node.name for node in nomad.nodes(cluster.nomad)}
    return cluster.site.instances or min(len(names), SEVERAL)


def present(api: Api) -> int:
    """Return how many instances of each service Nomad runs now, one when there is no job."""
    return _count(api.find(f"/v1/job/{SIGNER}"))


def deployed() -> int:
    """Return what `present` does, without a token; 1 when there is no cluster."""
    return _count(nomad.public_job(SIGNER))


def deployed_members() -> int:
    """Return how many members each database has, without a token; 1 when there is no cluster."""
    return _count(nomad.public_job(USER_DB.name))


def _count(job: Mapping[str, Any] | None) -> int:
    return int(job["TaskGroups"][0]["Count"]) if job else 1


def add_instances(cluster: Cluster) -> None:
    """Run as many instances as are wanted, where there are fewer. It needs no job file.

    Raises ApiError while a deployment of a service runs.
    """
    count = wanted(cluster)
    for service in SERVICES:
        job = cluster.nomad.call("GET", f"/v1/job/{service.name}")
        if job["TaskGroups"][0]["Count"] < count and not job["Stop"]:
            _scale(cluster, service.name, job, count)


def fit_databases(cluster: Cluster) -> None:
    """Run as many members of each database as there are machines with a number. It needs no file.

    A removed machine's member has ended, so with a smaller number no running one stops. In a
    handover, which may be an interrupted one, it is left to the next `up`: two members could get
    one machine. Raises ApiError while a deployment of a database runs.
    """
    count = numbers.assign(cluster)
    for database in DATABASES:
        job = cluster.nomad.find(f"/v1/job/{database.name}")
        if job and not job["Stop"] and _has_distinct_hosts(job):
            _scale(cluster, database.name, job, count)


def _has_distinct_hosts(job: Mapping[str, Any]) -> bool:
    (group,) = job["TaskGroups"]
    return any(each["Operand"] == "distinct_hosts" for each in group["Constraints"] or ())


def _scale(cluster: Cluster, name: str, job: Mapping[str, Any], count: int) -> None:
    (group,) = job["TaskGroups"]
    if group["Count"] != count:
        body = {"Count": count, "Target": {"Group": group["Name"]}}
        cluster.nomad.call("POST", f"/v1/job/{name}/scale", body)


def possible(cluster: Cluster, job: str) -> float:
    """Return how many instances Nomad can place now: of a database one on each machine that is fit.

    A machine that is away, drained, or of an earlier version keeps its number, and counts for the
    job. But no member can run there, and nobody may wait for it. Of other jobs nothing is known.
    """
    if job not in {database.name for database in DATABASES}:
        return math.inf
    numbered = numbers.known(cluster.consul)
    fit = [each for each in nomad.nodes(cluster.nomad) if each.takes_jobs and each.name in numbered]
    return sum(_has_volume(cluster, each, job) for each in fit)


def _has_volume(cluster: Cluster, node: nomad.Node, name: str) -> bool:
    volumes = cluster.nomad.call("GET", f"/v1/node/{node.identifier}")["HostVolumes"]
    return name in (volumes or {})


def spread_out(cluster: Cluster) -> int:
    """Move instances away from the nodes with several, if other nodes have none.

    A deployment can put both new instances on one node, and a lost node leaves both on another.
    Return how many instances were moved. Raises NotReadyError when a moved one stays unhealthy.
    """
    return sum(_spread_out(cluster, service.name) for service in SERVICES)


def _spread_out(cluster: Cluster, job: str) -> int:
    moved = 0
    # Each instance moves once at most: the free node may have no room for it.
    for _ in allocations.placed(cluster, job):
        extra = _extra(cluster, job)
        if extra is None:
            break
        cluster.nomad.call("PUT", f"/v1/allocation/{extra['ID']}/stop")
        _wait_moved(cluster, job, extra)
        moved += 1
    return moved


def _extra(cluster: Cluster, job: str) -> Allocation | None:
    """Return an instance that shares its node with another one while a node without one is free."""
    known = allocations.placed(cluster, job)
    used = Counter(each["NodeID"] for each in known)
    sharing = [each for each in known if used[each["NodeID"]] > 1]
    if not sharing:
        return None
    free = {n.identifier for n in nomad.nodes(cluster.nomad) if n.takes_jobs} - used.keys()
    return allocations.newest(sharing) if free else None


def _wait_moved(cluster: Cluster, job: str, old: Allocation) -> None:
    def has_moved() -> bool:
        known = {each["ID"]: each for each in allocations.placed(cluster, job)}
        serving = lateness.serving(cluster, job, list(known.values()))
        return old["ID"] not in known and serving == len(known)

    wait.until(f"the new place of an instance of {job}", has_moved, LIMIT_SECONDS)
