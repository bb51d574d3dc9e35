"""The running instances of a job, for probes: a hop without an instance is broken."""

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor.repairs import LOGS, UP, replace
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.jobs import allocations
from tasktracker_cluster.jobs.allocations import Allocation
from tasktracker_cluster.mesh import catalog
from tasktracker_cluster.mesh.catalog import Sidecar


def allocation(cluster: Cluster, job: str) -> Allocation:
    """Return the newest running allocation of a job. Raises BrokenHopError if there is none."""
    known = cluster.nomad.find(f"/v1/job/{job}")
    if known is None or known["Stop"]:
        state = "stopped" if known else "not deployed"
        raise BrokenHopError(f"the job {job} is {state}", UP)
    running = allocations.running(cluster, job)
    if not running:
        evidence = allocations.evidence(cluster, job)
        last = f": {evidence[-1]}" if evidence else ""
        raise BrokenHopError(f"the job {job} has no running instance{last}", f"{LOGS} {job}")
    return allocations.newest(running)


def sidecars(cluster: Cluster, service: str) -> list[Sidecar]:
    """Return a service's sidecars, healthy or not. Raises BrokenHopError if there is none."""
    running = allocation(cluster, service)
    found = catalog.sidecars(cluster, service)
    if not found:
        raise BrokenHopError(f"{service} runs, but Consul does not know it", replace(running["ID"]))
    return found


def failing_checks(cluster: Cluster, service: str) -> str:
    """Return the names of a service's failing checks, separated by commas; empty when all pass."""
    return ", ".join(catalog.failing_checks(cluster, service) or ())
