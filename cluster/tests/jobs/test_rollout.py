"""jobs.rollout: the jobs that bring a release to every node, and waiting for both."""

from pathlib import Path

import pytest

from cluster.tests.http_server import Refusal, Request
from cluster.tests.nomad_server import Json, Nomad, allocation, node, task_state
from tasktracker_cluster.agents import credentials
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, JobFailedError
from tasktracker_cluster.jobs import rollout
from tasktracker_cluster.releases.installed import Release

OTHER_STORE = "http://10.0.0.9/artifacts"


@pytest.fixture
def submitted(cluster: Cluster) -> Path:
    """Return the file into which a program in the place of Nomad writes what it was given."""
    credentials.create(cluster.site)
    file = cluster.site.home / "submitted"
    cluster.site.bin.mkdir()
    program = cluster.site.bin / "nomad"
    words = '"$4 $NOMAD_VAR_release $NOMAD_VAR_artifacts $NOMAD_VAR_nodes $NOMAD_VAR_store"'
    program.write_text(f"#!/bin/sh\necho {words} >>{file}\n")
    program.chmod(0o755)
    return file


def test_the_store_that_the_operator_names_reaches_the_job(
    cluster: Cluster, submitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOMAD_VAR_store", OTHER_STORE)
    rollout.start(cluster, Release("a1b2c3", ("ab", "cd")), ["10.0.0.1"])
    assert submitted.read_text().splitlines() == [
        f'nomad/jobs/{name}.nomad.hcl a1b2c3 ["ab", "cd"] ["10.0.0.1"] {OTHER_STORE}'
        for name in ("store", "release")
    ]


INSTALLED = {rollout.MAIN_TASK: task_state()}


def of_node(number: int, version: int, status: str = "running", **others: object) -> Json:
    return allocation(f"{number}{version}" * 18, status, version, NodeID=str(number), **others)


@pytest.mark.parametrize(
    ("late", "message"),
    [
        (of_node(2, 1), "The store of releases does not run on every node."),
        (of_node(2, 2, status="pending"), "The store of releases does not run on every node."),
        (of_node(2, 2), ""),
    ],
)
def test_a_store_of_the_last_version_is_waited_for_too(
    cluster: Cluster, nomad: Nomad, monkeypatch: pytest.MonkeyPatch, late: Json, message: str
) -> None:
    monkeypatch.setattr(rollout, "LIMIT_SECONDS", 0)
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2")]
    nomad.has_job("release", *(of_node(n, 1, TaskStates=INSTALLED) for n in (1, 2)))
    nomad.has_job("store", of_node(1, 2), late, version=2)
    if not message:
        rollout.wait_installed(cluster, 0)
        return
    with pytest.raises(JobFailedError) as raised:
        rollout.wait_installed(cluster, 0)
    assert raised.value.message == message


STORE = {
    "Stop": False,
    "JobModifyIndex": 7,
    "Meta": {"nodes": "10.0.0.1"},
    "TaskGroups": [
        {
            "Tasks": [
                {"Config": {"args": ["-S", "${meta.tasktracker.address}:4652", "10.0.0.1:4652"]}}
            ]
        }
    ],
}


def test_the_running_stores_are_told_who_there_is(cluster: Cluster, nomad: Nomad) -> None:
    told: list[Json] = []

    def register(asked: Request) -> Json:
        told.append(asked.body)
        return {}

    nomad.answers |= {"/v1/job/store": STORE, "/v1/jobs": register}
    rollout.tell_stores(cluster, ["10.0.0.1"])
    assert told == [], "they know"
    rollout.tell_stores(cluster, ["10.0.0.1", "10.0.0.2"])
    (body,) = told
    assert (body["EnforceIndex"], body["JobModifyIndex"]) == (True, 7)
    assert body["Job"]["Meta"] == {"nodes": "10.0.0.1 10.0.0.2"}
    words = body["Job"]["TaskGroups"][0]["Tasks"][0]["Config"]["args"]
    assert words == ["-S", "${meta.tasktracker.address}:4652", "10.0.0.1:4652", "10.0.0.2:4652"]


@pytest.mark.parametrize("known", [None, {**STORE, "Stop": True}])
def test_a_store_that_does_not_run_is_not_started(
    cluster: Cluster, nomad: Nomad, known: Json | None
) -> None:
    nomad.answers["/v1/job/store"] = known or Refusal(404)
    rollout.tell_stores(cluster, ["10.0.0.2"])


def test_a_change_of_the_stores_at_the_same_time_is_not_undone(
    cluster: Cluster, nomad: Nomad
) -> None:
    def refuse(_: Request) -> Refusal:
        return Refusal(500, "Enforcing job modify index 7: job exists with conflicting index: 8")

    nomad.answers |= {"/v1/job/store": STORE, "/v1/jobs": refuse}
    with pytest.raises(ApiError):
        rollout.tell_stores(cluster, ["10.0.0.2"])
