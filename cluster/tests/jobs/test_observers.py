"""jobs.observers: which jobs of `observe` Nomad runs, and what they leave behind."""

import pytest
from rich.console import Console

from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import observers
from tasktracker_cluster.progress import Steps


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
