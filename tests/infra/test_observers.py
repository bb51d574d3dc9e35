"""The jobs of `observe`: each task behind a wall, as a user of its own, on loopback only."""

import json
import re

import pytest

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    COLLECTOR,
    JOB_USERS,
    LOGS,
    METRICS,
    OBSERVING_PROGRAMS,
    OBSERVING_USERS,
    PORTS,
    STORING_JOBS,
)
from tasktracker_cluster.urls import OBSERVING_PAGES
from tests.infra.reading import ROOT, Json, only_group, read_job, tasks, wall

HOME = "${meta.tasktracker.home}"
SCRIPT = "/bin/sh"  # runs a script of its job
LINKER = "link"  # makes links to files of root's: no wall would allow that
# What a task may read and write beside its program, and beside `local` and its job's own data.
READS = {
    "vlagent": {f"{HOME}/volumes/log-links"},
    "victoria-logs": set[str](),
    "alert-log": {f"{HOME}/releases/current", "local"},
    "disks": {f"{HOME}/releases/current", "local"},
}
WRITES = {"vlagent": (f"{HOME}/volumes/collector",)}


@pytest.fixture(params=STORING_JOBS)
def observer(request: pytest.FixtureRequest, site: Site) -> Json:
    """Return each job of `observe` that stores something, as Nomad reads it."""
    return read_job(site, request.param)


def walled(job: Json) -> list[Json]:
    """Return the job's tasks that run behind a wall: all but one."""
    return [task for task in tasks(job) if (job["ID"], task["Name"]) != (LOGS, LINKER)]


def test_each_task_runs_as_a_user_of_its_own_behind_a_wall(observer: Json) -> None:
    for task in walled(observer):
        assert wall(task).user == OBSERVING_USERS[task["Name"]]
        assert wall(task).user not in JOB_USERS
        program = wall(task).command[0]
        own = {program} - {SCRIPT}
        assert own <= {f"{HOME}/bin/{name}" for name in OBSERVING_PROGRAMS if name == task["Name"]}
        assert set(wall(task).read) == own | READS.get(task["Name"], {"local"})


def test_only_the_main_task_writes_and_only_the_jobs_own_data(observer: Json) -> None:
    for task in walled(observer):
        is_main = task["Name"] == STORING_JOBS[observer["ID"]]
        data = (f"{HOME}/volumes/{observer['ID']}",) if is_main else ()
        assert wall(task).write == WRITES.get(task["Name"], data), task["Name"]


def test_its_pages_have_no_login_so_they_are_on_loopback(observer: Json) -> None:
    (network,) = only_group(observer)["Networks"]
    assert {port["HostNetwork"] for port in network["ReservedPorts"]} == {"loopback"}
    listening = [
        word.partition("=")[2]
        for task in walled(observer)
        for word in wall(task).command
        if word.startswith("-httpListenAddr=")
    ]
    assert len(listening) == len([t for t in walled(observer) if wall(t).command[0] != SCRIPT])
    known = {f"127.0.0.1:{port.number}" for port in PORTS if port.observes}
    assert set(listening) <= known


def test_the_portal_lists_the_pages_of_the_jobs_that_run(site: Site) -> None:
    (portal,) = [task for task in tasks(read_job(site, "portal")) if task["Name"] == "app"]
    (template,) = portal["Templates"]
    listed = re.findall(
        r'(?s)range nomadService "(\w+)" \}\}(.+?)\{\{- end', template["EmbeddedTmpl"]
    )
    found = []
    for name, lines in listed:
        (group,) = read_job(site, name)["TaskGroups"]
        (service,), (network,) = group["Services"], group["Networks"]
        assert (service["Name"], service["Provider"]) == (name, "nomad")
        ports = {port["Label"]: port["Value"] for port in network["ReservedPorts"]}
        for line in lines.strip().split("\n"):
            port = str(ports[service["PortLabel"]])
            found.append((name, line.replace("{{ .Port }}", port).split()[-1]))
    assert found == [(page.job, page.page) for page in OBSERVING_PAGES]


def test_no_other_task_has_the_right_to_read_the_agents() -> None:
    rules = json.loads((ROOT / "consul" / "acl" / "binding-rules.json").read_text())
    policies = [rule for rule in rules if rule["BindType"] == "policy"]
    readers = {rule["Selector"] for rule in policies if rule["BindName"] == "metrics"}
    assert readers == {
        f'"nomad_service" not in value and value.nomad_job_id == "{job}"'
        f' and value.nomad_task == "{task}"'
        for job, task in ((METRICS, "victoria-metrics"), (COLLECTOR, "vmagent"))
    }
    for name in {rule["BindName"] for rule in policies} - {"metrics"}:
        assert "agent" not in (ROOT / "consul" / "acl" / f"{name}.hcl").read_text()


def test_the_store_refuses_lines_before_the_collectors_buffer_fills_the_disk(site: Site) -> None:
    store, collector = (wall(task).command for task in walled(read_job(site, LOGS)))
    (free,) = [word for word in store if word.startswith("-storage.minFreeDiskSpaceBytes=")]
    (buffer,) = [word for word in collector if word.startswith("-remoteWrite.maxDiskUsage")]
    gigabytes, mebibytes = int(free.partition("=")[2][:-2]), int(buffer.partition("=")[2][:-3])
    assert free.endswith("GB")
    assert buffer.endswith("MiB")
    assert gigabytes * 10**9 - mebibytes * 2**20 > 10**9
