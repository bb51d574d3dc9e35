"""jobs.deployment: the health of a job, its failure, and the stop of jobs."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from cluster.tests.http_server import Agent, Request
from cluster.tests.nomad_server import Json, Nomad, allocation, node, task_state
from tasktracker_cluster.agents import credentials
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import JobFailedError
from tasktracker_cluster.jobs import deployment

SUBMITTED = 2_000_000_000.0  # seconds of the epoch: when `allocation` says that it was made
BEFORE = SUBMITTED - 1
JOB: Json = {"Version": 1, "Type": "service", "TaskGroups": [{"Count": 1}]}


def restarted(times: int, status: str = "running") -> dict[str, Any]:
    return allocation(status=status, TaskStates={"app": task_state("running", times)})


def failed(instance: int) -> dict[str, Any]:
    return {**restarted(0, "failed"), "Name": f"portal.portal[{instance}]"}


def failed_on(node: str) -> dict[str, Any]:
    return allocation(status="failed", JobType="system", NodeID=node)


@pytest.mark.parametrize(
    ("allocations", "failing"),
    [
        ([], False),
        ([allocation(TaskStates=None)], False),
        ([restarted(deployment.MOST_RESTARTS)], False),
        ([restarted(deployment.MOST_RESTARTS + 1)], True),
        ([restarted(0), restarted(deployment.MOST_RESTARTS + 1)], True),
        ([failed(0)] * deployment.MOST_FAILED, False),
        ([failed(0)] * (deployment.MOST_FAILED + 1), True),
        # Consul elected while Nomad placed both instances.
        ([failed(0), failed(1)] * deployment.MOST_FAILED, False),
        ([failed_on("one"), failed_on("other")] * deployment.MOST_FAILED, False),
        ([failed_on("one")] * (deployment.MOST_FAILED + 1), True),
    ],
)
def test_a_job_keeps_failing_after_some_allocations_of_one_instance_or_many_restarts(
    allocations: list[dict[str, Any]], failing: bool
) -> None:
    assert deployment.keeps_failing(allocations) is failing


def test_a_deployed_version_with_a_running_allocation_is_healthy(
    cluster: Cluster, nomad: Nomad
) -> None:
    nomad.has_job("portal", allocation(), Status="successful")
    deployment.wait_healthy(cluster, "portal", BEFORE)


def test_a_failure_before_the_submission_does_not_count(cluster: Cluster, nomad: Nomad) -> None:
    old = [restarted(99, "failed"), restarted(99, "failed")]
    nomad.has_job("portal", *old, Status="running")
    comes_true_after(nomad, "portal", looks=2)
    deployment.wait_healthy(cluster, "portal", since=SUBMITTED)


def test_deployment_and_failures_of_an_older_version_do_not_count(
    cluster: Cluster, nomad: Nomad
) -> None:
    old = [restarted(99, "failed"), restarted(99, "failed")]
    nomad.has_job("portal", *old, Status="failed")
    nomad.answers["/v1/job/portal"] = {**JOB, "Version": 2}
    comes_true_after(nomad, "portal", looks=2, version=2)
    deployment.wait_healthy(cluster, "portal", BEFORE)


def test_a_deployed_version_without_a_running_allocation_is_not_healthy(
    cluster: Cluster, nomad: Nomad
) -> None:
    nomad.has_job("portal", allocation(status="complete"), Status="successful")
    comes_true_after(nomad, "portal", looks=2)
    deployment.wait_healthy(cluster, "portal", BEFORE)


NO_CANARIES = {"db": {"DesiredCanaries": 0, "DesiredTotal": 1}}


def test_without_canaries_healthy_allocations_are_enough(cluster: Cluster, nomad: Nomad) -> None:
    healthy = allocation(DeploymentStatus={"Healthy": True})
    nomad.has_job("user-db", healthy, Status="running", TaskGroups=NO_CANARIES)
    deployment.wait_healthy(cluster, "user-db", BEFORE)


def test_a_system_job_is_healthy_once_it_is_on_every_node(cluster: Cluster, nomad: Nomad) -> None:
    groups = {"edge": {"DesiredCanaries": 0, "DesiredTotal": 2}}
    healthy = allocation(DeploymentStatus={"Healthy": True})
    nomad.has_job("traefik", healthy, Status="running", TaskGroups=groups)
    looked = comes_true_after(nomad, "traefik", looks=2)
    deployment.wait_healthy(cluster, "traefik", BEFORE)
    assert len(looked) == 3


HEALTHY = allocation(DeploymentStatus={"Healthy": True})
STARTING = allocation(status="pending")
RUNNING = allocation()


@pytest.mark.parametrize(
    ("kind", "count", "allocations"),
    [
        ("service", 1, [HEALTHY]),
        ("service", 2, [HEALTHY, HEALTHY, allocation(status="complete")]),
        ("system", 1, [RUNNING, HEALTHY]),
    ],
)
def test_healthy_instances_are_enough_when_nomad_has_forgotten_the_deployment(
    cluster: Cluster, nomad: Nomad, kind: str, count: int, allocations: list[Json]
) -> None:
    nomad.has_job("portal", *allocations, version=0, Status="cancelled")
    nomad.answers["/v1/job/portal"] = {**JOB, "Type": kind, "TaskGroups": [{"Count": count}]}
    deployment.wait_healthy(cluster, "portal", BEFORE)


@pytest.mark.parametrize(
    ("kind", "allocations"),
    [
        ("service", []),
        ("service", [STARTING]),
        ("service", [RUNNING]),
        ("service", [allocation(DeploymentStatus={"Healthy": False})]),
        ("service", [allocation(version=0, DeploymentStatus={"Healthy": True})]),
        ("service", [allocation(status="complete", DeploymentStatus={"Healthy": True})]),
        ("system", []),
        ("system", [RUNNING, STARTING]),
        ("system", [HEALTHY, allocation(DeploymentStatus={"Healthy": False})]),
        ("system", [allocation(version=0)]),
    ],
)
def test_a_forgotten_deployment_is_not_enough(
    cluster: Cluster, nomad: Nomad, kind: str, allocations: list[Json]
) -> None:
    nomad.has_job("portal", *allocations)
    nomad.answers["/v1/job/portal"] = {**JOB, "Type": kind}
    looked = comes_true_after(nomad, "portal", looks=2)
    deployment.wait_healthy(cluster, "portal", BEFORE)
    assert len(looked) >= 3


THREE_MEMBERS = {"db": {"DesiredCanaries": 0, "DesiredTotal": 3}}
AWAY: dict[str, tuple[str, str, Json | None]] = {
    "down": ("down", "eligible", {"user-db": {}}),
    "drained": ("ready", "ineligible", {"user-db": {}}),
    "of an earlier version": ("ready", "eligible", None),
}


def have_machines(
    nomad: Nomad, consul: Agent, status: str, eligibility: str, volumes: Json | None
) -> None:
    """Let each of three machines have a number. The third one is as told, the others are well."""
    nomad.answers["/v1/nodes"] = [
        node("node-1"),
        node("node-2"),
        node("node-3", status, eligibility),
    ]
    for name in ("1", "2"):
        nomad.answers[f"/v1/node/{name}"] = {"HostVolumes": {"user-db": {}, "task-db": {}}}
    nomad.answers["/v1/node/3"] = {"HostVolumes": volumes}
    numbered = json.dumps({"node-1": 1, "node-2": 2, "node-3": 3}).encode()
    consul.answers["/v1/kv/tasktracker/members"] = [
        {"Value": base64.b64encode(numbered).decode(), "ModifyIndex": 1}
    ]


@pytest.mark.parametrize("away", AWAY.values(), ids=AWAY)
def test_a_database_does_not_wait_for_a_member_that_cannot_be_placed(
    cluster: Cluster, nomad: Nomad, consul: Agent, away: tuple[str, str, Json | None]
) -> None:
    have_machines(nomad, consul, *away)
    two = [allocation(DeploymentStatus={"Healthy": True}) for _ in range(2)]
    nomad.has_job("user-db", *two, Status="running", TaskGroups=THREE_MEMBERS)
    looked = comes_true_after(nomad, "user-db", looks=2)
    deployment.wait_healthy(cluster, "user-db", BEFORE)
    assert len(looked) == 1


@pytest.mark.parametrize(
    ("healthy", "machine"),
    [(1, AWAY["down"]), (2, ("ready", "eligible", {"user-db": {}}))],
    ids=["one of two that can be placed", "two of three that can be placed"],
)
def test_a_database_waits_for_every_member_that_can_be_placed(
    cluster: Cluster,
    nomad: Nomad,
    consul: Agent,
    healthy: int,
    machine: tuple[str, str, Json | None],
) -> None:
    have_machines(nomad, consul, *machine)
    some = [allocation(DeploymentStatus={"Healthy": True}) for _ in range(healthy)]
    nomad.has_job("user-db", *some, Status="running", TaskGroups=THREE_MEMBERS)
    looked = comes_true_after(nomad, "user-db", looks=2)
    deployment.wait_healthy(cluster, "user-db", BEFORE)
    assert len(looked) == 3


@pytest.mark.parametrize(
    ("healthy", "groups"),
    [
        ({"Healthy": True}, {"api": {"DesiredCanaries": 1, "DesiredTotal": 1}}),
        (None, NO_CANARIES),
    ],
)
def test_a_canary_or_an_allocation_of_unknown_health_waits_for_the_end_of_its_deployment(
    cluster: Cluster, nomad: Nomad, healthy: dict[str, bool] | None, groups: dict[str, Any]
) -> None:
    running = allocation(DeploymentStatus=healthy)
    nomad.has_job("portal", running, Status="running", TaskGroups=groups)
    looked = comes_true_after(nomad, "portal", looks=2)
    deployment.wait_healthy(cluster, "portal", BEFORE)
    assert len(looked) == 3


LATE = allocation(DeploymentStatus={"Healthy": False})


def has_instance(consul: Agent, status: str, allocation_id: str = LATE["ID"]) -> None:
    """Let Consul have an instance of the portal, with a check that has this status."""
    service = {"ID": f"_nomad-task-{allocation_id}-group-api-portal-8004"}
    checks = [{"Status": "passing"}, {"Status": status}]
    consul.answers["/v1/health/service/portal"] = [{"Service": service, "Checks": checks}]


@pytest.mark.parametrize("status", ["running", "failed"])
def test_an_instance_that_passes_its_checks_after_nomads_deadline_is_healthy(
    cluster: Cluster, nomad: Nomad, consul: Agent, status: str
) -> None:
    nomad.has_job("portal", LATE, Status=status, TaskGroups=NO_CANARIES)
    has_instance(consul, "passing")
    deployment.wait_healthy(cluster, "portal", BEFORE)


@pytest.mark.parametrize(
    ("status", "instance"), [("critical", LATE["ID"]), ("passing", "of another allocation")]
)
def test_an_instance_that_still_fails_its_checks_is_not(
    cluster: Cluster, nomad: Nomad, consul: Agent, status: str, instance: str
) -> None:
    nomad.has_job("portal", LATE, Status="failed", TaskGroups=NO_CANARIES)
    has_instance(consul, status, instance)
    with pytest.raises(JobFailedError):
        deployment.wait_healthy(cluster, "portal", BEFORE)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_failed_deployment_ends_the_wait_with_nomads_reason_and_evidence(
    cluster: Cluster, nomad: Nomad, status: str
) -> None:
    states = {"app": task_state("running", 0, "Task not running")}
    nomad.has_job(
        "portal", allocation(TaskStates=states), Status=status, StatusDescription="it was late"
    )
    with pytest.raises(JobFailedError) as raised:
        deployment.wait_healthy(cluster, "portal", BEFORE)
    assert raised.value.message == "portal was not deployed: it was late."
    assert raised.value.evidence == ("app: Task not running",)
    assert "nomad job status portal" in raised.value.hint


def test_a_job_that_keeps_failing_ends_the_wait(cluster: Cluster, nomad: Nomad) -> None:
    nomad.has_job("portal", restarted(deployment.MOST_RESTARTS + 1))
    with pytest.raises(JobFailedError, match=r"portal keeps failing\."):
        deployment.wait_healthy(cluster, "portal", BEFORE)


@pytest.fixture
def submitted(cluster: Cluster) -> Path:
    """Return a file that exists once a job was submitted, to a program in the place of Nomad."""
    credentials.create(cluster.site)
    cluster.site.bin.mkdir()
    program, file = cluster.site.bin / "nomad", cluster.site.home / "submitted"
    program.write_text(f"#!/bin/sh\ntouch {file}\n")
    program.chmod(0o755)
    return file


def test_a_version_is_submitted_when_nomad_knows_the_health_of_what_starts(
    cluster: Cluster, nomad: Nomad, submitted: Path
) -> None:
    nomad.has_job("portal", Status="running")
    looks: list[bool] = []

    def look(request: Request) -> object:
        looks.append(submitted.exists())
        return [allocation(DeploymentStatus={"Healthy": True} if len(looks) > 2 else None)]

    nomad.answers["/v1/job/portal/allocations"] = look

    deployment.submit(cluster, "portal", {})

    assert looks == [False] * 3
    assert submitted.exists()


@pytest.mark.parametrize("status", ["running", "failed"])
def test_a_version_is_submitted_though_an_instance_never_gets_healthy(
    cluster: Cluster, nomad: Nomad, submitted: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(deployment, "STARTING_SECONDS", 0.1)
    nomad.has_job("portal", allocation(), Status=status)
    deployment.submit(cluster, "portal", {})
    assert submitted.exists()


def test_a_version_is_replaced_once_no_task_of_an_older_one_runs(
    cluster: Cluster, nomad: Nomad
) -> None:
    looks: list[Request] = []

    def look(request: Request) -> object:
        looks.append(request)
        old = allocation(status="running" if len(looks) < 3 else "complete", version=1)
        return [old, allocation(version=2)]

    nomad.answers["/v1/job/portal"] = {"Version": 2}
    nomad.answers["/v1/job/portal/allocations"] = look

    deployment.wait_replaced(cluster, "portal")

    assert len(looks) == 3


def test_jobs_are_stopped_together_and_the_wait_lasts_until_each_has_ended(
    cluster: Cluster, nomad: Nomad
) -> None:
    asked: list[str] = []

    def stop(request: Request) -> object:
        if request.method == "DELETE":
            asked.append(f"stop {request.path}")
            assert request.query == {"no_shutdown_delay": "true"}
        return {"Version": 1}

    def ends(request: Request) -> object:
        asked.append(f"look {request.path}")
        return [allocation(status="running" if len(asked) < 5 else "complete")]

    for name in ("portal", "user-service"):
        nomad.answers[f"/v1/job/{name}"] = stop
        nomad.answers[f"/v1/job/{name}/allocations"] = ends

    deployment.stop(cluster, "portal", "never-deployed", "user-service")

    assert asked[:2] == ["stop /v1/job/portal", "stop /v1/job/user-service"]
    looks = ["/v1/job/portal/allocations"] * 3 + ["/v1/job/user-service/allocations"]
    assert asked[2:] == [f"look {path}" for path in looks]


def test_a_stop_does_not_wait_for_a_lost_node(cluster: Cluster, nomad: Nomad) -> None:
    nomad.has_job("traefik", allocation(status="complete"), allocation(status="unknown"))
    deployment.stop(cluster, "traefik")


def test_replaced_instances_are_stopped_together_and_the_wait_lasts_until_each_has_ended(
    cluster: Cluster, nomad: Nomad
) -> None:
    asked: list[str] = []

    def stop(request: Request) -> object:
        asked.append(request.path)
        assert (request.method, request.query) == ("PUT", {"no_shutdown_delay": "true"})
        return {}

    def look(request: Request) -> object:
        asked.append(request.path)
        stopping = {"Migrate": True}
        status = "running" if len(asked) < 4 else "complete"
        return allocation(status=status, DesiredTransition=stopping)

    old = [allocation(name, JobID="portal") for name in ("a", "b")]
    for each in old:
        nomad.answers[f"/v1/allocation/{each['ID']}/stop"] = stop
        nomad.answers[f"/v1/allocation/{each['ID']}"] = look

    deployment.replace(cluster, old)

    assert asked == [
        "/v1/allocation/a/stop",
        "/v1/allocation/b/stop",
        *["/v1/allocation/a"] * 2,
        "/v1/allocation/b",
    ]


def test_a_replaced_instance_that_nomad_forgets_to_stop_is_stopped_again(
    cluster: Cluster, nomad: Nomad
) -> None:
    """As when a lost machine comes back at that moment."""
    stops: list[str] = []

    def stop(request: Request) -> object:
        stops.append(request.path)
        return {}

    def look(_: Request) -> object:
        return allocation("a", status="running" if len(stops) < 2 else "complete")

    nomad.answers["/v1/allocation/a/stop"] = stop
    nomad.answers["/v1/allocation/a"] = look

    deployment.replace(cluster, [allocation("a", JobID="portal")])

    assert stops == ["/v1/allocation/a/stop"] * 2


def test_for_a_replaced_instance_of_a_system_job_nomad_is_asked_to_place_another_one(
    cluster: Cluster, nomad: Nomad
) -> None:
    asked: list[str] = []

    def answer(request: Request) -> object:
        asked.append(request.path)
        return allocation("a", status="complete")

    for path in ("/v1/allocation/a/stop", "/v1/allocation/a", "/v1/job/traefik/evaluate"):
        nomad.answers[path] = answer

    deployment.replace(cluster, [allocation("a", JobID="traefik", JobType="system")])

    assert asked == ["/v1/allocation/a/stop", "/v1/allocation/a", "/v1/job/traefik/evaluate"]


def test_a_deleted_job_is_forgotten_once_its_tasks_have_ended(
    cluster: Cluster, nomad: Nomad
) -> None:
    asked: list[str] = []

    def job(request: Request) -> object:
        if request.method == "DELETE":
            asked.append("purge" if "purge" in request.query else "stop")
        return {}

    def look(_: Request) -> object:
        asked.append("look")
        return [allocation(status="running" if len(asked) < 3 else "complete")]

    nomad.answers["/v1/job/traefik"] = job
    nomad.answers["/v1/job/traefik/allocations"] = look
    deployment.delete(cluster, "traefik")
    assert asked == ["stop", "look", "look", "purge"]


@pytest.mark.parametrize(
    ("known", "is_other"), [(None, False), ({"Type": "system"}, False), ({"Type": "service"}, True)]
)
def test_only_a_known_job_is_of_another_type(
    cluster: Cluster, nomad: Nomad, known: object, is_other: bool
) -> None:
    if known:
        nomad.answers["/v1/job/traefik"] = known
    assert deployment.is_of_another_type(cluster, "traefik", "system") is is_other


def comes_true_after(nomad: Nomad, job: str, looks: int, version: int = 1) -> list[Request]:
    """Have the job deployed once its deployment has been asked for so often.

    Return the requests for the deployment, to which later ones are added.
    """
    before = nomad.answers[f"/v1/job/{job}/deployment"]
    seen: list[Request] = []

    def deployed(request: Request) -> object:
        seen.append(request)
        if len(seen) <= looks:
            return before
        running = allocation(version=version)
        nomad.answers[f"/v1/job/{job}/allocations"] = [running]
        return {"JobVersion": version, "Status": "successful", "StatusDescription": ""}

    nomad.answers[f"/v1/job/{job}/deployment"] = deployed
    return seen
