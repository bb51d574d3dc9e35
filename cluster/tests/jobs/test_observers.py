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
from tasktracker_cluster.topology import COLLECTOR, LOG_INTAKE, METRICS, OBSERVING_JOBS


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
        ("10.0.0.1", (), [LOG_INTAKE, COLLECTOR], [LOG_INTAKE]),
        ("10.0.0.1", ("node-2",), [LOG_INTAKE, COLLECTOR], [LOG_INTAKE, COLLECTOR]),
    ],
    ids=["alone", "nobody joined yet", "one joined"],
)
def test_logs_of_other_machines_are_collected_where_there_can_be_some(
    site: Site, nomad: Nomad, consul: Agent, monkeypatch: pytest.MonkeyPatch,
    address: str, others: tuple[str, ...], submitted: list[str], waited: list[str],
) -> None:  # fmt: skip
    site.node_file.write_text(Node("node-1", address).text)
    nomad.answers["/v1/nodes"] = [node(name) for name in ("node-1", *others)]
    seen: dict[str, list[str]] = {"submit": [], "wait_healthy": []}
    for name, jobs in seen.items():
        monkeypatch.setattr(deployment, name, lambda _c, job, *_, jobs=jobs: jobs.append(job))
    monkeypatch.setattr(observers, "LIMIT_SECONDS", 0)
    with pytest.raises(NotReadyError):  # no store answers here
        observers.start(FakeCluster(site, nomad, consul), Steps(Console(quiet=True)), {})
    assert seen["submit"] == [*OBSERVING_JOBS, *submitted]
    assert seen["wait_healthy"] == [*OBSERVING_JOBS, *waited]
