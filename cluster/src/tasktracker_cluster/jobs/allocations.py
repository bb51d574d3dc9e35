"""The allocations of a job: their states, events and logs."""

from typing import Any

from tasktracker_cluster.cluster import Cluster

LOG_LINES = 15
EVENTS = 4  # of each task
ACTIVE = ("running", "pending", "unknown")

Allocation = dict[str, Any]  # in the form of Nomad's API


def all_of(cluster: Cluster, job: str) -> list[Allocation]:
    """Return every allocation of a job that Nomad still knows, none for an unknown job."""
    found: list[Allocation] = cluster.nomad.find(f"/v1/job/{job}/allocations") or []
    return found


def active(cluster: Cluster, job: str) -> list[Allocation]:
    """Return the allocations whose tasks run or will run soon, with those of lost nodes."""
    return [a for a in all_of(cluster, job) if a["ClientStatus"] in ACTIVE]


def running(cluster: Cluster, job: str) -> list[Allocation]:
    """Return the running allocations of a job."""
    return [a for a in all_of(cluster, job) if a["ClientStatus"] == "running"]


def placed(cluster: Cluster, job: str) -> list[Allocation]:
    """Return the active allocations that Nomad does not stop at the moment."""
    return [each for each in active(cluster, job) if each["DesiredStatus"] == "run"]


def newest(allocations: list[Allocation]) -> Allocation:
    """Return the allocation that was made last. Raises ValueError for an empty list."""
    return max(allocations, key=lambda each: int(each["CreateIndex"]))


def evidence(cluster: Cluster, job: str) -> list[str]:
    """Return the last events of the newest allocation's tasks, and the ends of their logs.

    Without an allocation it is the command that shows why the scheduler placed none.
    """
    known = all_of(cluster, job)
    if not known:
        return [f"no allocation; see: nomad job status {job}"]
    last = newest(known)
    lines = []
    for task, state in sorted((last["TaskStates"] or {}).items()):
        if state["State"] == "dead" and not state["Failed"]:
            continue
        lines += [f"{task}: {e['DisplayMessage']}" for e in state["Events"][-EVENTS:]]
        for stream in ("stdout", "stderr"):
            log = cluster.nomad.text(
                f"/v1/client/fs/logs/{last['ID']}",
                task=task, type=stream, plain="true", origin="end", offset="4000",
            )  # fmt: skip
            lines += [f"{task} | {line}" for line in log.splitlines()[-LOG_LINES:]]
    return lines
