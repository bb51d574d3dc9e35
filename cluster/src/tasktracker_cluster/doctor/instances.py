"""The running instances of a job, for probes: a hop without an instance is broken."""

from pathlib import Path

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor.repairs import LOGS, UP, replace
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.jobs import allocations
from tasktracker_cluster.jobs.allocations import Allocation
from tasktracker_cluster.mesh import catalog
from tasktracker_cluster.mesh.catalog import Sidecar


def allocation(cluster: Cluster, job: str) -> Allocation:
    """Return the newest running allocation of a job. Raises BrokenHopError if there is none."""
    return allocations.newest(running(cluster, job))


def local(cluster: Cluster, job: str) -> Allocation:
    """Return the allocation of a job on this machine. Raises BrokenHopError if there is none."""
    found = here(cluster, job)
    if not found:
        raise BrokenHopError(f"the job {job} has no instance on this machine", UP)
    return allocations.newest(found)


def here(cluster: Cluster, job: str) -> list[Allocation]:
    """Return the running allocations of a job on this machine.

    Raises BrokenHopError if there is none on any.
    """
    return [each for each in running(cluster, job) if is_here(cluster, each["ID"])]


def is_here(cluster: Cluster, allocation: str) -> bool:
    """Return whether the allocation's files are on this machine."""
    return folder(cluster, allocation).is_dir()


def folder(cluster: Cluster, allocation: str) -> Path:
    """Return the folder of an allocation on its machine."""
    return cluster.site.home / "nomad" / "alloc" / allocation


def running(cluster: Cluster, job: str) -> list[Allocation]:
    """Return the running allocations of a job. Raises BrokenHopError if there is none."""
    known = cluster.nomad.find(f"/v1/job/{job}")
    if known is None or known["Stop"]:
        state = "stopped" if known else "not deployed"
        raise BrokenHopError(f"the job {job} is {state}", UP)
    found = allocations.running(cluster, job)
    if not found:
        evidence = allocations.evidence(cluster, job)
        last = f": {evidence[-1]}" if evidence else ""
        raise BrokenHopError(f"the job {job} has no running instance{last}", f"{LOGS} {job}")
    return found


def places(cluster: Cluster, job: str) -> str:
    """Return the running allocations of a job for people, with their nodes if there are several."""
    return ", ".join(
        f"{each['ID'][:8]}{catalog.on(cluster, each['NodeName'])}"
        for each in sorted(running(cluster, job), key=lambda each: str(each["NodeName"]))
    )


def sidecars(cluster: Cluster, service: str) -> list[Sidecar]:
    """Return a service's sidecars, healthy or not. Raises BrokenHopError if there is none."""
    newest = allocation(cluster, service)
    found = catalog.sidecars(cluster, service)
    if not found:
        raise BrokenHopError(f"{service} runs, but Consul does not know it", replace(newest["ID"]))
    return found


def failing_checks(cluster: Cluster, service: str) -> str:
    """Return the names of a service's failing checks, separated by commas; empty when all pass."""
    return ", ".join(catalog.failing_checks(cluster, service) or ())
