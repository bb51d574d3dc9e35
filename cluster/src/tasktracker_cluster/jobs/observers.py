"""The jobs of `observe`: they look at the cluster, and nothing needs them."""

import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial

from tasktracker_cluster.agents import consul, mesh_figures, nomad, variables
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.jobs import allocations, deployment
from tasktracker_cluster.machine import folders, wait
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.topology import (
    COLLECTING_JOBS,
    COLLECTOR,
    EXPORTER,
    FORMER_JOBS,
    INTAKE,
    METRICS,
    OBSERVING_JOBS,
    TRACING_JOBS,
)

HEALTH = "/health"
LIMIT_SECONDS = 180  # a busy machine takes minutes

# Services send spans to the address of one of the last: while they do, it must listen there, or
# another program could. Nothing sends to the others, once those of other machines find no intake.
WITHOUT_SPANS = (*FORMER_JOBS, INTAKE, *OBSERVING_JOBS)
WITH_SPANS = (COLLECTOR, *TRACING_JOBS)

RECEIVER = f"nomad/jobs/{METRICS}/store/vmalert"  # only vmalert can read it


def running(cluster: Cluster) -> list[str]:
    """Return the names of the jobs that Nomad has, and that were not stopped."""
    return _running(cluster, (*OBSERVING_JOBS, *COLLECTING_JOBS, *TRACING_JOBS))


def _running(cluster: Cluster, jobs: Sequence[str]) -> list[str]:
    known = {job: cluster.nomad.find(f"/v1/job/{job}") for job in jobs}
    return [name for name, job in known.items() if job is not None and not job["Stop"]]


def set_receiver(cluster: Cluster, webhook: str | None) -> None:
    """Have alerts sent to a URL, if it is empty to nobody. None keeps what is set."""
    if webhook:
        variables.change(cluster.nomad, RECEIVER, {"webhook": webhook})
    elif webhook is not None:
        variables.delete(cluster.nomad, RECEIVER)


def start(cluster: Cluster, steps: Steps, variables: Mapping[str, str]) -> None:
    """Run every job, and wait until all are healthy and answer.

    Logs, metrics and spans of other machines are collected where there can be some. Raises
    JobFailedError, and NotReadyError when one does not answer in time.
    """
    delete_former(cluster)
    since = time.time()
    jobs = [*OBSERVING_JOBS, *(COLLECTING_JOBS if cluster.site.node.is_advertised else ())]
    for job in jobs:
        deployment.submit(cluster, job, variables)
    if COLLECTOR in jobs and not joined(cluster):
        jobs.remove(COLLECTOR)  # no machine has it yet
    for job in jobs:
        with steps.step(job):
            deployment.wait_healthy(cluster, job, since)
    with steps.step("answers"):
        # For Nomad they are healthy when their tasks have started. They may not listen yet.
        for api in (cluster.metrics, cluster.alerts):
            wait.until(f"{api.name} to answer", partial(api.answers, HEALTH), LIMIT_SECONDS)


def joined(cluster: Cluster) -> set[str]:
    """Return the names of the other machines that take jobs now."""
    own = cluster.site.node.name
    return {each.name for each in nomad.nodes(cluster.nomad) if each.takes_jobs} - {own}


def renew(cluster: Cluster, only: AbstractSet[str] | None = None) -> None:
    """Let Nomad replace what has a Consul token: a restart of the machine ended them.

    With `only`, just those of these allocations that are active. It waits for nothing, and cannot
    fail: a cluster is up without what looks at it.
    """
    with suppress(ApiError):
        for job in (METRICS, EXPORTER, INTAKE):
            for each in allocations.active(cluster, job):
                if only is None or each["ID"] in only:
                    cluster.nomad.call("PUT", f"/v1/allocation/{each['ID']}/stop")


def delete_former(cluster: Cluster, *, running: bool = True) -> None:
    """Delete jobs that have another name now, with their entries in Consul.

    One that runs stays unless `running`: only `observe` runs another one in its place.
    """
    for job in FORMER_JOBS:
        if not running and _running(cluster, [job]):
            continue
        if cluster.nomad.find(f"/v1/job/{job}") is not None:
            deployment.delete(cluster, job)
        consul.delete_config_entries(cluster.consul, job)


def stop(
    cluster: Cluster, steps: Steps, jobs: Sequence[str] = (*WITHOUT_SPANS, *WITH_SPANS)
) -> None:
    """Stop those that run, and let Nomad forget them. Their data stay, but no link to a log."""
    mesh_figures.hide(cluster.site, cluster.consul)
    for job in _running(cluster, jobs):
        with steps.step(job):
            deployment.delete(cluster, job)
    folders.delete_log_links(cluster.site)
