"""The jobs of `observe`: each task behind a wall, as a user of its own, on loopback only."""

import re

import pytest

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    JOB_USERS,
    OBSERVING_JOBS,
    OBSERVING_PROGRAMS,
    OBSERVING_USERS,
    PORTS,
)
from tests.infra.reading import ROOT, Json, only_group, read_job, tasks, wall

HOME = "${meta.tasktracker.home}"


@pytest.fixture(params=OBSERVING_JOBS)
def observer(request: pytest.FixtureRequest, site: Site) -> Json:
    """Return each job of `observe`, as Nomad reads it."""
    return read_job(site, request.param)


def test_each_task_runs_as_a_user_of_its_own_behind_a_wall(observer: Json) -> None:
    for task in tasks(observer):
        assert wall(task).user == OBSERVING_USERS[task["Name"]]
        assert wall(task).user not in JOB_USERS
        program = wall(task).command[0]
        assert program == f"{HOME}/bin/{task['Name']}"
        assert task["Name"] in OBSERVING_PROGRAMS
        assert set(wall(task).read) == {program, "local"}


def test_only_the_main_task_writes_and_only_the_jobs_own_data(observer: Json) -> None:
    for task in tasks(observer):
        is_main = task["Name"] == OBSERVING_JOBS[observer["ID"]]
        data = (f"{HOME}/volumes/{observer['ID']}",) if is_main else ()
        assert wall(task).write == data, task["Name"]


def test_its_pages_have_no_login_so_they_are_on_loopback(observer: Json) -> None:
    (network,) = only_group(observer)["Networks"]
    assert {port["HostNetwork"] for port in network["ReservedPorts"]} == {"loopback"}
    listening = [
        word.partition("=")[2]
        for task in tasks(observer)
        for word in wall(task).command
        if word.startswith("-httpListenAddr=")
    ]
    assert len(listening) == len(tasks(observer))
    known = {f"127.0.0.1:{port.number}" for port in PORTS if port.observes}
    assert set(listening) <= known


def test_no_other_job_has_the_right_to_read_the_agents() -> None:
    rules = (ROOT / "consul" / "acl" / "binding-rules.json").read_text()
    assert re.findall(r'"BindType": "policy",\s+"BindName": "(.+)"', rules) == ["metrics"]
    selector = rules.partition('"BindName": "metrics"')[2]
    assert 'value.nomad_job_id == \\"metrics\\"' in selector
