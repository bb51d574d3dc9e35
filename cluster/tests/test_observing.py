"""observing: what `observe --off` stops when a service is unhealthy, and in which order."""

import pytest
from rich.console import Console

from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, Request
from cluster.tests.nomad_server import Nomad
from tasktracker_cluster import observing, running
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import JobFailedError
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.machine import preflight
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed
from tasktracker_cluster.topology import COLLECTOR, INTAKE, LOGS, METRICS, TRACES

PROXY_DEFAULTS = {"Kind": "proxy-defaults", "Name": "global", "Config": {}}


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, nomad: Nomad, consul: Agent) -> list[str]:
    """Let root observe a cluster with traces, and return what `--off` does with its jobs."""
    seen: list[str] = []
    monkeypatch.setattr(preflight, "must_be_root", lambda _: None)
    monkeypatch.setattr(supervisor, "must_run", lambda _: None)
    monkeypatch.setattr(installed, "present", lambda _: None)

    def delete(_: Cluster, job: str) -> None:
        nomad.answers[f"/v1/job/{job}"] = {"Stop": True}
        seen.append(job)

    monkeypatch.setattr(deployment, "delete", delete)
    monkeypatch.setattr(running, "run_jobs", lambda *_, **__: seen.append("new instances"))
    for job in (METRICS, LOGS, INTAKE, COLLECTOR, TRACES):
        nomad.answers[f"/v1/job/{job}"] = {"Stop": False}
    gateway = {"TaskGroups": [{"Tasks": [{"Env": {"TRACES_URL": "x"}}]}]}
    nomad.answers["/v1/job/traefik"] = gateway
    consul.answers["/v1/config/proxy-defaults/global"] = PROXY_DEFAULTS
    return seen


def stop(cluster: Cluster) -> None:
    observing.stop(cluster, Steps(Console(quiet=True)))


def test_spans_stop_before_what_receives_them(cluster: FakeCluster, done: list[str]) -> None:
    stop(cluster)
    assert done == [INTAKE, METRICS, LOGS, "new instances", COLLECTOR, TRACES]


def test_an_unhealthy_service_keeps_only_what_receives_its_spans(
    cluster: FakeCluster, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise JobFailedError("portal did not become healthy.", "")

    with monkeypatch.context() as patch:
        patch.setattr(running, "run_jobs", fail)
        with pytest.raises(JobFailedError):
            stop(cluster)
    assert done == [INTAKE, METRICS, LOGS]
    stop(cluster)  # it is healthy again
    assert done == [INTAKE, METRICS, LOGS, "new instances", COLLECTOR, TRACES]


def test_entries_of_a_former_name_are_deleted(
    cluster: FakeCluster, done: list[str], consul: Agent
) -> None:
    deleted: list[str] = []

    def entry(request: Request) -> object:
        if request.method == "DELETE":
            deleted.append(request.path)
        return {}

    consul.answers["/v1/config/service-defaults/log-intake"] = entry
    stop(cluster)
    assert deleted == ["/v1/config/service-defaults/log-intake"]
    assert "new instances" in done
