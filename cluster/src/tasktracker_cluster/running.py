"""Running every job with one release, and waiting until its instances serve."""

import time
from collections.abc import Set as AbstractSet

from tasktracker_cluster.agents import consul
from tasktracker_cluster.backups import keeping
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.jobs import (
    allocations,
    deployment,
    gateway,
    handover,
    numbers,
    placement,
    replication,
    rollout,
    signing_keys,
    tracing,
)
from tasktracker_cluster.membership import members
from tasktracker_cluster.monitoring import status
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed
from tasktracker_cluster.releases.installed import Release
from tasktracker_cluster.topology import BACKUP_JOBS, GATEWAY, JOBS


def run_jobs(
    cluster: Cluster,
    steps: Steps,
    release: Release,
    *,
    keep_traces: bool = True,
    earlier: AbstractSet[str] = frozenset(),
) -> None:
    """Run every job with this release, and wait until the gateway answers for all services.

    A job that is as it was is not restarted, but for the allocations `earlier`. They go on to send
    spans, unless `keep_traces` is False. Raises an AdminError.
    """
    since = time.time()
    numbers.assign(cluster)
    rollout.start(cluster, release, [each.address for each in members.all_of(cluster.consul)])
    if not (installed.is_installed(cluster.site, release.name) and rollout.is_one_node(cluster)):
        _wait_installed(cluster, steps, since)
    variables = {
        **signing_keys.job_variables(cluster, release.name),
        "instances": str(placement.wanted(cluster)),
    }
    if not keep_traces:
        variables = tracing.without(variables)
    if deployment.is_of_another_type(cluster, GATEWAY, "system"):
        with steps.step("the gateway of an earlier version"):
            deployment.delete(cluster, GATEWAY)
    keys_before = signing_keys.deployed()
    replication.set_up(cluster)
    # All at once: a migration waits for its database itself, and a service for whatever it needs.
    if tracing.is_in(variables):  # before a sidecar is made
        consul.trace(cluster.site, cluster.consul, on=True)
    handover.hand_over(cluster, steps, variables)
    for job in JOBS:
        deployment.submit(cluster, job, variables)
    backups = BACKUP_JOBS if keeping.go_on(cluster, steps, variables) else ()
    for job in (*JOBS, *backups):
        with steps.step(job):
            deployment.wait_healthy(cluster, job, since)
    if earlier:
        _replace(cluster, steps, earlier)
    if backups:  # now that the databases answer
        keeping.watch(cluster.site)
    if keys_before not in ("", variables["signing_keys"]):
        with steps.step("the end of the old signing keys"):
            signing_keys.wait_replaced(cluster)
    _wait_installed(cluster, steps, since)
    if moved := placement.spread_out(cluster):
        with steps.step("instances") as step:
            step.detail = f"moved {moved} to other nodes"
    with steps.step("gateway"):
        gateway.delete_certificate(cluster.site)
        _wait_for_gateway(cluster)


def _wait_installed(cluster: Cluster, steps: Steps, since: float) -> None:
    with steps.step("release on every node"):
        rollout.wait_installed(cluster, since)


def _wait_for_gateway(cluster: Cluster) -> None:
    try:
        gateway.wait_healthy()
    except NotReadyError as error:
        for row in status.rows(cluster):
            if row.kind == "job" and not row.is_well:
                message = f"{row.name}: {row.health}."
                raise deployment.failure(cluster, row.name, message) from error
        raise


def _replace(cluster: Cluster, steps: Steps, earlier: AbstractSet[str]) -> None:
    # Sidecars of an earlier version do not reach Consul any more. Most have gone with the version
    # of their jobs before: the instances of the new one answered first.
    placed = [each for job in (*JOBS, *BACKUP_JOBS) for each in allocations.placed(cluster, job)]
    if left := [each for each in placed if each["ID"] in earlier]:
        with steps.step("instances of an earlier version"):
            since = time.time()
            deployment.replace(cluster, left)
            for job in sorted({each["JobID"] for each in left}):
                deployment.wait_healthy(cluster, job, since)
