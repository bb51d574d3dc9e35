"""jobs.observers: which jobs Nomad runs, who is told of alerts, and what is left behind."""

import pytest
from rich.console import Console

from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, Refusal, Request
from cluster.tests.nomad_server import Nomad, allocation, node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.jobs import deployment, observers
from tasktracker_cluster.node import Node
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    COLLECTOR,
    EXPORTER,
    INTAKE,
    METRICS,
    OBSERVING_JOBS,
    TRACES,
)


@pytest.mark.parametrize(
    ("job", "running"), [(None, []), ({"Stop": True}, []), ({"Stop": False}, ["metrics"])]
)
def test_a_job_runs_when_nomad_has_it_and_it_was_not_stopped(
    cluster: Cluster, nomad: Nomad, job: object, running: list[str]
) -> None:
    if job is not None:
        nomad.answers["/v1/job/metrics"] = job
    assert observers.running(cluster) == running


def test_no_link_to_a_log_is_left_when_they_are_stopped(cluster: Cluster) -> None:
    cluster.site.log_links.mkdir(parents=True)
    (cluster.site.log_links / "consul.17.log").touch()
    observers.stop(cluster, Steps(Console(quiet=True)))
    assert not cluster.site.log_links.exists()


def test_the_receiver_of_alerts_is_kept_until_it_is_changed_or_removed(
    cluster: Cluster, nomad: Nomad
) -> None:
    seen = []
    for webhook in (None, "https://first", None, "https://second", None, "", None):
        observers.set_receiver(cluster, webhook)
        seen.append(nomad.variables.get(observers.RECEIVER, {}).get("webhook"))
    first, second = "https://first", "https://second"
    assert seen == [None, first, first, second, second, None, None]


def test_the_store_of_metrics_is_renewed_without_waiting(cluster: Cluster, nomad: Nomad) -> None:
    stopped = []

    def stop(request: Request) -> object:
        stopped.append(request.method)
        return {}

    nomad.has_job(METRICS, allocation("old"), allocation("older", status="complete"))
    nomad.answers["/v1/allocation/old/stop"] = stop
    observers.renew(cluster)  # the fake goes on to say that it runs
    assert stopped == ["PUT"]


@pytest.fixture
def deleted(nomad: Nomad, consul: Agent) -> list[str]:
    """Have entries in Consul of jobs of before and of now, and return what is deleted."""
    seen: list[str] = []

    def entry(request: Request) -> object:
        if request.method == "DELETE":
            seen.append(request.path)
        return {}

    for name in (FORMER, INTAKE):
        for kind in ("service-intentions", "service-defaults"):
            consul.answers[f"/v1/config/{kind}/{name}"] = entry
    return seen


def have_job(nomad: Nomad, name: str, deleted: list[str], *, stopped: bool = False) -> None:
    """Let a job run or be stopped, until it is purged."""
    job = f"/v1/job/{name}"

    def answer(request: Request) -> object:
        if request.method == "DELETE" and request.query.get("purge") == "true":
            deleted.append(request.path)
            nomad.answers.pop(job)
        return {"Stop": stopped}

    nomad.answers[job] = answer


FORMER = "log-intake"
JOB = f"/v1/job/{FORMER}"
ENTRIES = [f"/v1/config/{kind}/{FORMER}" for kind in ("service-intentions", "service-defaults")]


def test_a_job_with_a_former_name_is_deleted_with_its_entries(
    cluster: Cluster, nomad: Nomad, deleted: list[str]
) -> None:
    for job in (FORMER, INTAKE):
        have_job(nomad, job, deleted)
    observers.delete_former(cluster)
    assert deleted == [JOB, *ENTRIES]


@pytest.mark.parametrize(
    ("stopped", "gone"), [(None, ENTRIES), (True, [JOB, *ENTRIES]), (False, [])]
)
def test_without_observe_a_job_with_a_former_name_goes_on_when_it_runs(
    cluster: Cluster, nomad: Nomad, deleted: list[str], stopped: bool | None, gone: list[str]
) -> None:
    if stopped is not None:
        have_job(nomad, FORMER, deleted, stopped=stopped)
    observers.delete_former(cluster, running=False)
    assert deleted == gone


def test_entries_that_are_not_there_are_not_deleted(cluster: Cluster) -> None:
    observers.delete_former(cluster)  # the fakes refuse all


def test_a_job_with_a_former_name_stops_with_the_others_and_spans_last(
    cluster: Cluster, nomad: Nomad, deleted: list[str]
) -> None:
    for job in (TRACES, COLLECTOR, METRICS, INTAKE, FORMER):
        have_job(nomad, job, deleted)
    observers.stop(cluster, Steps(Console(quiet=True)))
    order = (FORMER, INTAKE, METRICS, COLLECTOR, TRACES)
    assert deleted == [f"/v1/job/{job}" for job in order]


@pytest.mark.parametrize(
    ("only", "stopped"), [(None, ["a", "b"]), ({"b", "c"}, ["b"]), (set(), [])]
)
def test_only_what_is_old_and_active_is_renewed(
    cluster: Cluster, nomad: Nomad, only: set[str] | None, stopped: list[str]
) -> None:
    seen: list[str] = []
    jobs = {METRICS: allocation("a"), INTAKE: allocation("b"),
            EXPORTER: allocation("c", status="complete")}  # fmt: skip
    for job, each in jobs.items():
        nomad.has_job(job, each)
        nomad.answers[f"/v1/allocation/{each['ID']}/stop"] = lambda r: seen.append(r.path)
    observers.renew(cluster, only)
    assert [path.split("/")[3] for path in seen] == stopped


@pytest.mark.parametrize("path", ["/v1/job/metrics/allocations", "/v1/allocation/old/stop"])
def test_a_store_of_metrics_that_nomad_does_not_renew_fails_nothing(
    cluster: Cluster, nomad: Nomad, path: str
) -> None:
    nomad.has_job(METRICS, allocation("old"))
    nomad.answers[path] = Refusal(500)
    observers.renew(cluster)


@pytest.mark.parametrize(
    ("address", "others", "submitted", "waited"),
    [
        ("", (), [], []),
        ("10.0.0.1", (), [INTAKE, COLLECTOR], [INTAKE]),
        ("10.0.0.1", ("node-2",), [INTAKE, COLLECTOR], [INTAKE, COLLECTOR]),
    ],
    ids=["alone", "nobody joined yet", "one joined"],
)
def test_logs_of_other_machines_are_collected_where_there_can_be_some(
    site: Site, nomad: Nomad, consul: Agent, monkeypatch: pytest.MonkeyPatch,
    address: str, others: tuple[str, ...], submitted: list[str], waited: list[str],
) -> None:  # fmt: skip
    site.node_file.write_text(Node("node-1", address).text)
    nomad.answers["/v1/nodes"] = [node(name) for name in ("node-1", *others)]
    seen: dict[str, list[str]] = {"delete": [], "submit": [], "wait_healthy": []}
    nomad.answers[JOB] = {"Stop": False}
    for name, jobs in seen.items():
        monkeypatch.setattr(deployment, name, lambda _c, job, *_, jobs=jobs: jobs.append(job))
    monkeypatch.setattr(observers, "LIMIT_SECONDS", 0)
    with pytest.raises(NotReadyError):  # no store answers here
        observers.start(FakeCluster(site, nomad, consul), Steps(Console(quiet=True)), {})
    assert seen["delete"] == [FORMER]
    assert seen["submit"] == [*OBSERVING_JOBS, *submitted]
    assert seen["wait_healthy"] == [*OBSERVING_JOBS, *waited]
