"""doctor.release_jobs: the hops of the jobs that bring releases to a machine."""

import pytest

from cluster.tests.nomad_server import Nomad, allocation, task_state
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import hops, release_jobs
from tasktracker_cluster.doctor.hops import Finding

INSTALLED = {"install": task_state("dead"), "installed": task_state()}
INSTALLING = {"install": task_state(), "installed": task_state("pending")}


@pytest.fixture
def well(cluster: Cluster, nomad: Nomad) -> Nomad:
    """Run both jobs on this machine, and return Nomad."""
    for name, states in (("store", {}), ("release", INSTALLED)):
        (cluster.site.home / "nomad" / "alloc" / name).mkdir(parents=True)
        has_job(nomad, name, allocation(name, TaskStates=states))
    return nomad


def has_job(nomad: Nomad, name: str, *allocations: object, stop: bool = False) -> None:
    nomad.answers[f"/v1/job/{name}"] = {"Stop": stop}
    nomad.answers[f"/v1/job/{name}/allocations"] = list(allocations)


def last(cluster: Cluster) -> Finding:
    """Return the first broken hop, or the last one."""
    found = list(hops.diagnose([release_jobs.path(cluster)]))
    return next((each for each in found if each.state == "broken"), found[-1])


def test_both_hops_work_when_both_jobs_run_here(cluster: Cluster, well: Nomad) -> None:
    assert well.answers
    assert (last(cluster).hop, last(cluster).state) == ("release", "ok")


def test_a_stopped_store_is_broken_and_up_repairs_it(cluster: Cluster, well: Nomad) -> None:
    has_job(well, "store", stop=True)
    assert (last(cluster).hop, last(cluster).detail) == ("store", "the job store is stopped")
    assert last(cluster).repair == "./just up"


def test_a_release_that_is_not_installed_yet_is_broken(cluster: Cluster, well: Nomad) -> None:
    has_job(well, "release", allocation("release", TaskStates=INSTALLING))
    assert (last(cluster).hop, last(cluster).state) == ("release", "broken")
    assert "not installed on this machine" in last(cluster).detail


def test_a_store_on_other_machines_only_is_broken(cluster: Cluster, well: Nomad) -> None:
    has_job(well, "store", allocation("elsewhere"))
    assert last(cluster).detail == "the job store has no instance on this machine"
