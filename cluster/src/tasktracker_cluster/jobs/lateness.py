"""Instances that passed their checks only after Nomad's deadline.

Nomad looks at the health of an instance until the deadline of its job, and never again: on a busy
machine it may call an instance unhealthy for ever that serves.
"""

from collections.abc import Sequence

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs.allocations import Allocation


def serving(cluster: Cluster, job: str, running: Sequence[Allocation]) -> int:
    """Return how many of the instances are healthy, or were called unhealthy and serve now."""
    told = [(each["DeploymentStatus"] or {}).get("Healthy") for each in running]
    late = [each["ID"] for each, healthy in zip(running, told, strict=True) if healthy is False]
    return told.count(True) + (len(_passing(cluster, job, late)) if late else 0)


def _passing(cluster: Cluster, job: str, allocations: Sequence[str]) -> set[str]:
    """Return which allocations have an instance in Consul, without a critical check."""
    entries = cluster.consul.call("GET", f"/v1/health/service/{job}")
    well = [
        str(entry["Service"]["ID"])
        for entry in entries
        if all(check["Status"] != "critical" for check in entry["Checks"])
    ]
    return {each for each in allocations if any(each in service for service in well)}
