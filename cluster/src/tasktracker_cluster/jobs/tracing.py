"""The job that stores traces, and whether the gateway and the services send it spans."""

import time
from collections.abc import Mapping

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.machine.network import NODE_HOST
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.topology import GATEWAY, SPANS_PORT, TRACES

SPANS_URL = f"http://{NODE_HOST}:{SPANS_PORT}/v1/traces"  # the same in every allocation
_VARIABLE = "traces"  # of the job files
_SAMPLING = "sampling"


def job_variables(cluster: Cluster) -> dict[str, str]:
    """Return the job files' variables for traces: none unless the job runs."""
    job = cluster.nomad.find(f"/v1/job/{TRACES}")
    if job is None or job["Stop"]:
        return {}
    return {_VARIABLE: SPANS_URL, _SAMPLING: job["Meta"][_SAMPLING]}


def without(variables: Mapping[str, str]) -> dict[str, str]:
    """Return these variables of the job files, so that no request is traced."""
    return {name: value for name, value in variables.items() if name not in (_VARIABLE, _SAMPLING)}


def is_in(variables: Mapping[str, str]) -> bool:
    """Return whether these variables of the job files have requests traced."""
    return _VARIABLE in variables


def is_deployed(cluster: Cluster) -> bool:
    """Return whether the gateway sends spans, also when the job has gone meanwhile."""
    job = cluster.nomad.call("GET", f"/v1/job/{GATEWAY}")
    tasks = [task for group in job["TaskGroups"] for task in group["Tasks"]]
    return any((task["Env"] or {}).get("TRACES_URL") for task in tasks)


def start(cluster: Cluster, steps: Steps, sampling: float) -> None:
    """Run the job, and wait until it is healthy. Raises JobFailedError.

    `sampling` is the share of requests that the gateway shall trace unasked, from 0 to 1.
    """
    since = time.time()
    variables = {"node": cluster.site.node.name, "sampling": f"{sampling:g}"}
    deployment.submit(cluster, TRACES, variables)
    with steps.step(TRACES):
        deployment.wait_healthy(cluster, TRACES, since)
