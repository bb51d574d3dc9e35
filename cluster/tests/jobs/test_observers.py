"""jobs.observers: which jobs of `observe` Nomad runs."""

import pytest

from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import observers


@pytest.mark.parametrize(
    ("job", "running"), [(None, []), ({"Stop": True}, []), ({"Stop": False}, ["metrics"])]
)
def test_a_job_runs_when_nomad_has_it_and_it_was_not_stopped(
    cluster: Cluster, nomad: Nomad, job: object, running: list[str]
) -> None:
    if job is not None:
        nomad.answers["/v1/job/metrics"] = job
    assert observers.running(cluster) == running
