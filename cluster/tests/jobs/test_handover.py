"""jobs.handover: when the next instance of a database may start beside the present one."""

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cluster.tests.consul_server import Consul
from cluster.tests.http_server import Agent, Refusal, Request, serving
from cluster.tests.nomad_server import Json, Nomad, allocation
from tasktracker_cluster.agents import credentials
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import deployment, handover
from tasktracker_cluster.progress import Steps

VARIABLES = {"network": "10.0.0.1", "members": "1"}
NEXT = "b" * 36
FOLLOWS = b'envoy_control_plane_connected_state{local_cluster="task-service"} 1\n'


@pytest.fixture
def consul() -> Iterator[Consul]:
    with serving(Consul()) as server:
        yield server


@pytest.fixture
def sidecar() -> Iterator[Agent]:
    """Serve the figures of the sidecar of a service."""
    with serving(Agent()) as server:
        server.answers["/metrics"] = FOLLOWS
        yield server


@pytest.fixture
def job(nomad: Nomad, consul: Consul, sidecar: Agent) -> Json:
    """Have one member of task-db, which leads, and its service. There is no user-db."""
    nomad.has_job(
        "task-db", allocation(DeploymentStatus={"Healthy": True}), ID="d1", Status="successful"
    )
    nomad.answers[f"/v1/client/fs/logs/{'a' * 36}"] = (
        b"Another instance uses the data: waiting for its end.\n"
    )
    nomad.answers["/v1/deployment/promote/d1"] = {}
    entry = {"Address": "127.0.0.1", "Meta": {"sidecar_port": str(sidecar.port)}}
    consul.answers["/v1/health/connect/task-service"] = [{"Service": entry}]
    consul.answers["/v1/health/connect/task-db"] = [{"Service": {"Meta": {"member": "m1"}}}]
    consul.keys["service/task-db/leader"] = b"m1"
    consul.keys["service/task-db/members/m1"] = {"state": "running", "role": "primary"}
    job = nomad.answers["/v1/job/task-db"]
    assert isinstance(job, dict)
    job |= {"Stop": False, "Meta": {"network": "", "locks": "data"}, "JobModifyIndex": 7}
    nomad.answers["/v1/job/task-db/evaluations"] = [{"TriggeredBy": "deployment-watcher"}]
    return job


@pytest.fixture
def submitted(cluster: Cluster) -> Path:
    """Return the file into which a program in the place of Nomad writes what it was given."""
    credentials.create(cluster.site)
    file = cluster.site.home / "submitted"
    file.touch()
    cluster.site.bin.mkdir()
    program = cluster.site.bin / "nomad"
    words = '"$4 $NOMAD_VAR_handover $NOMAD_VAR_network $NOMAD_VAR_members"'
    program.write_text(f"#!/bin/sh\necho {words} >>{file}\n")
    program.chmod(0o755)
    return file


def hand_over(cluster: Cluster, **others: str) -> str:
    """Return what is shown."""
    shown = io.StringIO()
    handover.hand_over(cluster, Steps(Console(file=shown, width=200)), {**VARIABLES, **others})
    return shown.getvalue()


@pytest.mark.usefixtures("job")
def test_the_only_member_is_handed_over_to_its_next_instance_at_another_address(
    cluster: Cluster, submitted: Path
) -> None:
    shown = hand_over(cluster)
    assert submitted.read_text() == "-var=name=task-db true 10.0.0.1 1\n"
    assert re.search(r"task-db at its new address \d+\.\d s", shown)


@pytest.fixture
def ended(nomad: Nomad, job: Json) -> list[str]:
    """Have a deployment that was not promoted, and return the requests that end it."""
    requests: list[str] = []
    job["Version"] = 1
    deployed = {"ID": "d1", "JobVersion": 1, "Status": "running"}
    nomad.answers["/v1/job/task-db/deployment"] = deployed
    nomad.answers["/v1/deployment/fail/d1"] = lambda request: requests.append(request.path)
    nomad.answers["/v1/deployment/promote/d1"] = Refusal(500, "too early")
    return requests


@pytest.mark.parametrize(
    ("instance", "log"),
    [
        (allocation(NEXT, DeploymentStatus={"Healthy": True}), b""),
        (allocation(NEXT), b"waiting for its end"),
        (None, b""),
    ],
    ids=["does not wait for the data yet", "is not healthy", "has no place"],
)
def test_a_next_instance_that_is_not_ready_ends_and_the_present_one_goes_on(
    cluster: Cluster,
    nomad: Nomad,
    submitted: Path,
    ended: list[str],
    monkeypatch: pytest.MonkeyPatch,
    instance: Json | None,
    log: bytes,
) -> None:
    """The ordinary deployment, which follows, restarts the database."""

    def placed(_: Request) -> list[Json]:
        is_there = submitted.read_text() and not ended
        return [allocation(version=0), *([instance] if instance and is_there else [])]

    monkeypatch.setattr(handover, "LIMIT_SECONDS", 0)
    nomad.answers["/v1/job/task-db/allocations"] = placed
    nomad.answers[f"/v1/client/fs/logs/{NEXT}"] = log
    shown = hand_over(cluster)
    assert submitted.read_text() != ""
    assert ended == ["/v1/deployment/fail/d1"]
    assert "restarts with the services: Waited 0 s for the next instance of task-db" in shown


@pytest.mark.usefixtures("submitted")
def test_a_machine_without_memory_for_both_is_told_at_once(
    cluster: Cluster, nomad: Nomad, ended: list[str]
) -> None:
    """The limit is the usual one, of minutes."""
    nomad.answers["/v1/job/task-db/allocations"] = [allocation(version=0)]
    full = {"db": {"DimensionExhausted": {"memory": 1, "network: port collision": 1}}}
    earlier = {"db": {"DimensionExhausted": {"cpu": 1}}}
    nomad.answers["/v1/job/task-db/evaluations"] = [
        {"JobModifyIndex": 7, "FailedTGAllocs": full},
        {"JobModifyIndex": 6, "FailedTGAllocs": earlier},
    ]
    begin = time.monotonic()
    shown = hand_over(cluster)
    assert time.monotonic() - begin < handover.LIMIT_SECONDS / 2
    assert "restarts with the services: its machine has too little memory for a second" in shown
    assert ended == ["/v1/deployment/fail/d1"]


@pytest.mark.usefixtures("job")
def test_a_place_that_may_come_is_waited_for(
    cluster: Cluster, nomad: Nomad, submitted: Path
) -> None:
    collision = {"db": {"DimensionExhausted": {"network: port collision": 1}}}
    nomad.answers["/v1/job/task-db/evaluations"] = [
        {"JobModifyIndex": 7, "FailedTGAllocs": collision}
    ]
    assert "restarts" not in hand_over(cluster)
    assert submitted.read_text() != ""


def test_a_next_instance_that_does_not_end_is_told(
    cluster: Cluster,
    nomad: Nomad,
    submitted: Path,
    ended: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def placed(_: Request) -> list[Json]:
        return [allocation(version=0), *([allocation(NEXT)] if submitted.read_text() else [])]

    monkeypatch.setattr(handover, "LIMIT_SECONDS", 0)
    nomad.answers["/v1/job/task-db/allocations"] = placed
    assert "the end of the next instance of task-db" in hand_over(cluster)
    assert ended != []


def test_a_deployment_of_the_present_instance_is_not_ended(
    cluster: Cluster,
    nomad: Nomad,
    submitted: Path,
    ended: list[str],
    job: Json,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nomad may not have begun with the next one."""
    monkeypatch.setattr(handover, "LIMIT_SECONDS", 0)
    monkeypatch.setattr(deployment, "STARTING_SECONDS", 0)
    job["Version"] = 2
    nomad.answers["/v1/job/task-db/allocations"] = [allocation()]
    nomad.answers[f"/v1/client/fs/logs/{'a' * 36}"] = b""
    assert "the next instance of task-db" in hand_over(cluster)
    assert submitted.read_text() != ""
    assert ended == []


def test_the_script_says_that_it_waits() -> None:
    script = Path(__file__).parents[3] / "nomad/jobs/postgres/start.sh"
    assert handover.WAITS in script.read_text()


@pytest.mark.usefixtures("job")
def test_with_other_members_it_is_an_ordinary_deployment(cluster: Cluster, submitted: Path) -> None:
    hand_over(cluster, members="2")
    assert submitted.read_text() == ""


@pytest.mark.parametrize(
    "facts",
    [
        {"Meta": {"network": "10.0.0.1", "locks": "data"}},
        {"Meta": {"network": ""}},
        {"Stop": True},
    ],
    ids=["it has that address", "an earlier version has no lock", "it was stopped"],
)
def test_elsewhere_nothing_starts_beside_it(
    cluster: Cluster, submitted: Path, job: Json, facts: Json
) -> None:
    job |= facts
    hand_over(cluster)
    assert submitted.read_text() == ""


def test_an_instance_that_does_not_run_is_not_handed_over(
    cluster: Cluster, nomad: Nomad, submitted: Path, job: Json
) -> None:
    nomad.answers["/v1/job/task-db/allocations"] = [allocation(status="pending")]
    hand_over(cluster)
    assert submitted.read_text() == ""
    nomad.answers["/v1/job/task-db"] = Refusal(404)
    hand_over(cluster)
    assert submitted.read_text() == ""


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("figures", [FOLLOWS.replace(b" 1", b" 0"), Refusal(503)])
def test_nothing_starts_beside_it_while_its_services_would_not_hear_of_its_new_place(
    cluster: Cluster,
    sidecar: Agent,
    submitted: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: object,
) -> None:
    monkeypatch.setattr(handover, "LIMIT_SECONDS", 0)
    sidecar.answers["/metrics"] = figures
    assert "restarts with the services: Waited 0 s for the sidecars that" in hand_over(cluster)
    assert submitted.read_text() == ""


@pytest.mark.usefixtures("job")
def test_a_sidecar_that_does_not_answer_is_waited_for(
    cluster: Cluster, consul: Consul, submitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "LIMIT_SECONDS", 0)
    entry = {"Address": "127.0.0.1", "Meta": {"sidecar_port": "1"}}
    consul.answers["/v1/health/connect/task-service"] = [{"Service": entry}]
    assert "restarts with the services: Waited 0 s for the sidecars that" in hand_over(cluster)
    assert submitted.read_text() == ""
