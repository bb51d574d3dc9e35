"""Deploying jobs, waiting until they are healthy, and stopping them."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from tasktracker_cluster.agents import nomad, programs
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import JobFailedError, NotReadyError
from tasktracker_cluster.jobs import allocations, lateness, placement
from tasktracker_cluster.jobs.allocations import Allocation
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.topology import DATABASES

LIMIT_SECONDS = 180
HEALTHY_SECONDS = 300  # longer than Nomad's own deadline: what it says then is the reason
STARTING_SECONDS = 30
MOST_RESTARTS = 5  # more are a failure: a task waits by itself for what it needs
# Failed allocations of one instance. While Consul elects, Nomad gets no token for a new allocation,
# and gives it up.
MOST_FAILED = 2


def submit(cluster: Cluster, job: str, variables: Mapping[str, str]) -> None:
    """Run `nomad job run` with the job's file, without waiting for its effect.

    `variables` may have names that the file does not declare. Raises CommandError.
    """
    _let_start(cluster, job)
    site = cluster.site
    environment = {
        **nomad.environment(site),
        "NOMAD_TOKEN": cluster.tokens.nomad_management,
        **{f"NOMAD_VAR_{name}": value for name, value in variables.items()},
    }
    words = [str(site.bin / "nomad"), "job", "run", "-detach", *source(job)]
    # It may run twice: Nomad makes no new version of an unchanged job.
    run = partial(shell.run, words, cwd=site.checkout, env=environment)
    programs.run_patiently(run)


def source(job: str) -> list[str]:
    """Return the arguments of `nomad job run` for a job: its file, and the file's variable."""
    if job in {database.name for database in DATABASES}:
        return [f"-var=name={job}", "nomad/jobs/postgres.nomad.hcl"]
    return [f"nomad/jobs/{job}.nomad.hcl"]


def wait_healthy(cluster: Cluster, job: str, since: float) -> None:
    """Wait until the job's newest version is healthy.

    `since` is the time of its submission, in seconds of the epoch: earlier failures do not count.
    Raises JobFailedError with the last lines of its logs.
    """
    try:
        wait.until(f"job {job}", lambda: _healthy(cluster, job, since), HEALTHY_SECONDS)
    except NotReadyError as error:
        raise failure(cluster, job, f"{job} did not become healthy.") from error


def wait_replaced(cluster: Cluster, job: str) -> None:
    """Wait until no task of an older version of the job runs: until then some requests reach it.

    Raises NotReadyError.
    """
    wait.until(f"the end of {job}'s old version", lambda: _is_alone(cluster, job), LIMIT_SECONDS)


def roll(cluster: Cluster, jobs: Sequence[str], variables: Mapping[str, str]) -> None:
    """Run new versions of services, and wait until every instance is of them, and healthy.

    Raises JobFailedError, NotReadyError and CommandError: then instances of the versions before may
    still run.
    """
    since = time.time()
    for job in jobs:
        submit(cluster, job, variables)
    for job in jobs:
        wait_healthy(cluster, job, since)
    for job in jobs:
        wait_replaced(cluster, job)
    for job in jobs:  # Nomad makes the version before the newest one again when this one fails
        meta = nomad.meta(cluster.nomad.call("GET", f"/v1/job/{job}"))
        if any(meta[name] != variables[name] for name in meta.keys() & variables.keys()):
            raise failure(cluster, job, f"Nomad went back to the version of {job} before.")


def begin_to_stop(cluster: Cluster, *together: str) -> list[str]:
    """Stop jobs at the same time, without waiting for their ends. Return those that exist."""
    known = [job for job in together if cluster.nomad.find(f"/v1/job/{job}") is not None]
    for job in known:
        cluster.nomad.call("DELETE", f"/v1/job/{job}", no_shutdown_delay="true")
    return known


def stop(cluster: Cluster, *together: str) -> None:
    """Stop jobs at the same time, and wait until their tasks end. Nomad keeps their history.

    Raises NotReadyError when a job does not end in time.
    """
    for job in begin_to_stop(cluster, *together):
        wait.until(f"the end of {job}", partial(_has_ended, cluster, job), LIMIT_SECONDS)


def replace(cluster: Cluster, old: Sequence[Allocation]) -> None:
    """Stop instances, and wait until their tasks end. Nomad places others for them.

    Raises NotReadyError when one does not end in time.
    """
    for each in old:
        _stop(cluster, each["ID"])
    for each in old:
        wait.until(
            f"the end of an instance of {each['JobID']}",
            partial(_is_over, cluster, each["ID"]),
            LIMIT_SECONDS,
        )
    # Of a system job Nomad stops an instance, and places another one only at the next evaluation.
    for job in sorted({each["JobID"] for each in old if each["JobType"] == "system"}):
        cluster.nomad.call("PUT", f"/v1/job/{job}/evaluate", {"JobID": job})


def is_of_another_type(cluster: Cluster, job: str, kind: str) -> bool:
    """Return whether Nomad has the job with another type, which it does not let us change."""
    known = cluster.nomad.find(f"/v1/job/{job}")
    return known is not None and known["Type"] != kind


def delete(cluster: Cluster, job: str) -> None:
    """Stop a job, and let Nomad forget it. Raises NotReadyError when it does not end in time."""
    stop(cluster, job)
    cluster.nomad.call("DELETE", f"/v1/job/{job}", purge="true")


def failure(cluster: Cluster, job: str, message: str) -> JobFailedError:
    """Return the error for a job, with its last events and log lines as evidence."""
    return JobFailedError(
        message,
        f'Look closer: ./just doctor, and eval "$(./just env)"; nomad job status {job}',
        allocations.evidence(cluster, job),
    )


def _let_start(cluster: Cluster, job: str) -> None:
    """Wait some seconds for the instances that start: Nomad must know their health.

    A new version of the job may change nothing but numbers in an allocation. Nomad 1.11 then misses
    a task that starts at that moment, and calls the allocation unhealthy after its deadline.
    """
    with suppress(NotReadyError):
        wait.until("known health", lambda: not _is_starting(cluster, job), STARTING_SECONDS)


def _is_starting(cluster: Cluster, job: str) -> bool:
    deployment = cluster.nomad.find(f"/v1/job/{job}/deployment")
    if deployment is None or deployment["Status"] != "running":
        return False
    placed = [a for a in allocations.active(cluster, job)
              if a["JobVersion"] == deployment["JobVersion"]]  # fmt: skip
    return any((a["DeploymentStatus"] or {}).get("Healthy") is None for a in placed)


def _has_ended(cluster: Cluster, job: str) -> bool:
    # A lost node stops its tasks when it is back. Nobody can wait for that.
    return all(a["ClientStatus"] == "unknown" for a in allocations.active(cluster, job))


def _stop(cluster: Cluster, allocation: str) -> None:
    cluster.nomad.call("PUT", f"/v1/allocation/{allocation}/stop", no_shutdown_delay="true")


def _is_over(cluster: Cluster, allocation: str) -> bool:
    found = cluster.nomad.call("GET", f"/v1/allocation/{allocation}")
    if found["ClientStatus"] not in allocations.ACTIVE:
        return True
    # Of an instance whose lost machine comes back at that moment, Nomad forgets that it shall stop.
    if found["DesiredStatus"] == "run" and not found["DesiredTransition"]["Migrate"]:
        _stop(cluster, allocation)
    return False


def _is_alone(cluster: Cluster, job: str) -> bool:
    newest = cluster.nomad.call("GET", f"/v1/job/{job}")["Version"]
    return all(each["JobVersion"] == newest for each in allocations.active(cluster, job))


def _healthy(cluster: Cluster, job: str, since: float) -> bool:
    wanted = cluster.nomad.call("GET", f"/v1/job/{job}")
    known = [a for a in allocations.all_of(cluster, job) if a["JobVersion"] == wanted["Version"]]
    running = [a for a in known if a["ClientStatus"] == "running"]
    deployment = cluster.nomad.call("GET", f"/v1/job/{job}/deployment")
    is_deployed = deployment is not None and deployment["JobVersion"] == wanted["Version"]
    if is_deployed and deployment["Status"] == "successful":
        return bool(running)
    if is_deployed and not has_canaries(deployment):
        # Nomad takes a second or two more to call such a deployment successful.
        healthy = lateness.serving(cluster, job, running)
        # In a system job that is the number of nodes, while its group's own count is 1.
        desired = sum(each["DesiredTotal"] for each in deployment["TaskGroups"].values())
        if healthy >= desired or (healthy and healthy >= placement.possible(cluster, job)):
            return True
    # Nomad forgets a deployment once others have taken the place of all its instances.
    if not is_deployed and _are_well(wanted, known):
        return True
    if is_deployed and deployment["Status"] in ("failed", "cancelled"):
        raise failure(cluster, job, f"{job} was not deployed: {deployment['StatusDescription']}.")
    if keeps_failing([a for a in known if a["CreateTime"] > since * 1e9]):
        raise failure(cluster, job, f"{job} keeps failing.")
    return False


def _are_well(job: dict[str, Any], allocations: list[Allocation]) -> bool:
    """Return whether a version that has no deployment has its instances, and all are healthy."""
    active = [a for a in allocations if a["ClientStatus"] in ("pending", "running")]
    told = [(a["DeploymentStatus"] or {}).get("Healthy") for a in active]
    if job["Type"] == "system":  # of its instances without a deployment Nomad says nothing more
        running = [a["ClientStatus"] == "running" for a in active]
        return any(running) and all(running) and False not in told
    return bool(told.count(True) >= sum(group["Count"] for group in job["TaskGroups"]))


def has_canaries(deployment: dict[str, Any]) -> bool:
    """Whether a deployment first tries new instances beside the old ones."""
    return any(group["DesiredCanaries"] for group in deployment["TaskGroups"].values())


def keeps_failing(allocations: list[dict[str, Any]]) -> bool:
    """Return whether tasks were restarted too often, or an instance failed again and again."""
    restarts = [s["Restarts"] for a in allocations for s in (a["TaskStates"] or {}).values()]
    # The instances of a system job have one name on all nodes.
    failed = Counter(
        (a["Name"], a["NodeID"] if a["JobType"] == "system" else "")
        for a in allocations
        if a["ClientStatus"] == "failed"
    )
    return max(failed.values(), default=0) > MOST_FAILED or max(restarts, default=0) > MOST_RESTARTS
