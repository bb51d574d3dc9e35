"""Running the jobs: in which order, and how to tell that one is healthy."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from tasktracker_cluster.agents import credentials, nomad
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import JobFailedError, NotReadyError
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.site import Site

# What starts, and in reverse what stops, together. Migrations need their database, and a database
# takes the last writes of its service; everything else waits for what it needs by itself.
ORDER = (
    ("user-db", "task-db"),
    ("user-service", "task-service", "stats-service", "portal", "traefik"),
)

LIMIT_SECONDS = 180
LOG_LINES = 15
MOST_RESTARTS = 5  # a start has no use for more: tasks wait for what they need


def names() -> list[str]:
    """Every job, dependencies first."""
    return [job for row in ORDER for job in row]


def submit(site: Site, job: str, variables: Mapping[str, str]) -> None:
    """`nomad job run` the checked-in file, without waiting. A variable it lacks does not matter."""
    environment = {
        **nomad.environment(site),
        "NOMAD_TOKEN": credentials.load(site).nomad_management,
        **{f"NOMAD_VAR_{name}": value for name, value in variables.items()},
    }
    file = f"nomad/jobs/{job}.nomad.hcl"
    program = site.bin / "nomad"
    shell.run([program, "job", "run", "-detach", file], cwd=site.checkout, env=environment)


def wait_healthy(nomad: Api, job: str, since: float) -> None:
    """Wait for the job's newest version.

    `since` is when it was submitted, in seconds of the epoch: what failed before is history. Raises
    JobFailedError with its last log lines.
    """
    try:
        wait.until(f"job {job}", lambda: _healthy(nomad, job, since), LIMIT_SECONDS)
    except NotReadyError as error:
        raise failure(nomad, job, f"{job} did not become healthy.") from error


def stop(nomad: Api, *together: str) -> None:
    """Stop jobs at the same time, keeping their history, and wait for their tasks to end."""
    known = [job for job in together if nomad.find(f"/v1/job/{job}") is not None]
    for job in known:
        nomad.call("DELETE", f"/v1/job/{job}", no_shutdown_delay="true")
    for job in known:
        wait.until(f"the end of {job}", partial(_has_ended, nomad, job), LIMIT_SECONDS)


def _has_ended(nomad: Api, job: str) -> bool:
    return not running(nomad, job)


def running(nomad: Api, job: str) -> list[dict[str, Any]]:
    """The job's allocations that have tasks running or about to."""
    allocations = nomad.call("GET", f"/v1/job/{job}/allocations")
    return [a for a in allocations if a["ClientStatus"] in ("running", "pending", "unknown")]


def _healthy(nomad: Api, job: str, since: float) -> bool:
    version = nomad.call("GET", f"/v1/job/{job}")["Version"]
    allocations = [
        a for a in nomad.call("GET", f"/v1/job/{job}/allocations") if a["JobVersion"] == version
    ]
    deployment = nomad.call("GET", f"/v1/job/{job}/deployment")
    is_deployed = deployment is not None and deployment["JobVersion"] == version
    if is_deployed and deployment["Status"] == "successful":
        return any(a["ClientStatus"] == "running" for a in allocations)
    if is_deployed and deployment["Status"] in ("failed", "cancelled"):
        raise failure(nomad, job, f"{job} was not deployed: {deployment['StatusDescription']}.")
    if _keeps_failing([a for a in allocations if a["CreateTime"] > since * 1e9]):
        raise failure(nomad, job, f"{job} keeps failing.")
    return False


def _keeps_failing(allocations: list[dict[str, Any]]) -> bool:
    restarts = [s["Restarts"] for a in allocations for s in (a["TaskStates"] or {}).values()]
    failed = sum(a["ClientStatus"] == "failed" for a in allocations)
    return failed > 1 or max(restarts, default=0) > MOST_RESTARTS


def failure(nomad: Api, job: str, message: str) -> JobFailedError:
    """The error to raise for a job, with what it said last."""
    return JobFailedError(
        message, f"Look closer: ./just env, then nomad job status {job}", evidence(nomad, job)
    )


def evidence(nomad: Api, job: str) -> list[str]:
    """What the newest allocation did last: its tasks' events and the ends of their logs.

    Without an allocation: why the scheduler placed none.
    """
    allocations = nomad.call("GET", f"/v1/job/{job}/allocations")
    if not allocations:
        return [f"no allocation; see: nomad job status {job}"]
    newest = max(allocations, key=lambda a: a["CreateIndex"])
    lines = []
    for task, state in sorted((newest["TaskStates"] or {}).items()):
        if state["State"] == "dead" and not state["Failed"]:
            continue
        lines += [f"{task}: {e['DisplayMessage']}" for e in state["Events"][-4:]]
        for stream in ("stdout", "stderr"):
            log = nomad.text(
                f"/v1/client/fs/logs/{newest['ID']}",
                task=task, type=stream, plain="true", origin="end", offset="4000",
            )  # fmt: skip
            lines += [f"{task} | {line}" for line in log.splitlines()[-LOG_LINES:]]
    return lines
