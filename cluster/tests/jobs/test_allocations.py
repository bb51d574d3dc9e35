"""jobs.allocations: the states of allocations, and the last events of the newest one."""

import pytest

from cluster.tests.http_server import Request
from cluster.tests.nomad_server import Nomad, allocation, task_state
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import allocations

STATES = ("pending", "running", "complete", "failed", "lost", "unknown")


def test_an_unknown_job_has_no_allocations(cluster: Cluster) -> None:
    assert allocations.all_of(cluster, "nothing") == []


def test_active_are_those_that_run_or_may_still_run(cluster: Cluster, nomad: Nomad) -> None:
    nomad.has_job("portal", *(allocation(status=state) for state in STATES))
    active = [each["ClientStatus"] for each in allocations.active(cluster, "portal")]
    assert active == ["pending", "running", "unknown"]
    running = [each["ClientStatus"] for each in allocations.running(cluster, "portal")]
    assert running == ["running"]


def test_placed_are_the_active_ones_that_nomad_does_not_stop(
    cluster: Cluster, nomad: Nomad
) -> None:
    stopping = allocation("b", DesiredStatus="stop")
    nomad.has_job("portal", allocation("a"), stopping, allocation("c", status="complete"))
    assert [each["ID"] for each in allocations.placed(cluster, "portal")] == ["a"]


def test_the_newest_is_the_one_that_was_made_last() -> None:
    made = [allocation(name, CreateIndex=index) for name, index in (("a", 9), ("b", 10), ("c", 2))]
    assert allocations.newest(made)["ID"] == "b"
    with pytest.raises(ValueError, match="empty"):
        allocations.newest([])


def test_without_an_allocation_the_evidence_is_a_command(cluster: Cluster) -> None:
    assert allocations.evidence(cluster, "portal") == [
        "no allocation; see: nomad job status portal"
    ]


def test_evidence_is_the_newest_allocations_events_and_the_ends_of_its_logs(
    cluster: Cluster, nomad: Nomad
) -> None:
    old = allocation("old", TaskStates={"app": task_state("running", 0, "an old event")})
    states = {"app": task_state("pending", 3, *(f"event {n}" for n in range(6)))}
    nomad.has_job("portal", old, allocation("new", CreateIndex=2, TaskStates=states))
    written = b"".join(b"line %d\n" % number for number in range(20))

    def log(request: Request) -> bytes:
        assert request.query["task"] == "app"
        return written if request.query["type"] == "stderr" else b""

    nomad.answers["/v1/client/fs/logs/new"] = log

    assert allocations.evidence(cluster, "portal") == [
        *(f"app: event {number}" for number in range(2, 6)),
        *(f"app | line {number}" for number in range(5, 20)),
    ]


def test_a_task_that_ended_without_a_failure_is_no_evidence(cluster: Cluster, nomad: Nomad) -> None:
    states = {"migrate": task_state("dead", 0, "Terminated")}
    nomad.has_job("portal", allocation(TaskStates=states))
    assert allocations.evidence(cluster, "portal") == []


def test_without_a_log_the_evidence_has_the_events(cluster: Cluster, nomad: Nomad) -> None:
    nomad.has_job("portal", allocation(TaskStates={"app": task_state("running", 0, "Started")}))
    assert allocations.evidence(cluster, "portal") == ["app: Started"]


def test_an_allocation_that_did_nothing_yet_is_no_evidence(cluster: Cluster, nomad: Nomad) -> None:
    nomad.has_job("portal", allocation(status="pending", TaskStates=None))
    assert allocations.evidence(cluster, "portal") == []
