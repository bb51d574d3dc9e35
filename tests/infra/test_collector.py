"""The jobs that bring the logs of joined machines to the store on the first one."""

import re

import pytest

from tasktracker_cluster.machine.network import NODE_HOST
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    COLLECTING_JOBS,
    COLLECTOR,
    COLLECTOR_PORT,
    COLLECTOR_USER,
    LOG_INTAKE,
    LOGS,
    LOGS_PORT,
    RELEASE,
)
from tests.infra.reading import (
    ROOT,
    Json,
    only_group,
    only_service,
    read_job,
    tasks,
    upstreams,
    wall,
)
from tests.infra.test_alike import MODEL, anonymous, task, without_name

HOME = "${meta.tasktracker.home}"
LINKS = f"{HOME}/volumes/log-links"
UNWALLED = {"install", "link", "unlink"}  # they write, link and delete what is root's
SHA256 = "0123456789abcdef" * 4


def test_each_job_has_the_name_of_its_service(collecting: dict[str, Json]) -> None:
    for name, job in collecting.items():
        assert job["ID"] == job["Name"] == only_service(job)["Name"] == name
        assert {each["Name"] for each in only_group(job)["Tasks"]} >= {COLLECTING_JOBS[name]}


def test_the_store_is_on_the_first_machine_and_collectors_are_on_all_others(site: Site) -> None:
    intake, collector = (read_job(site, name, node="node-7") for name in COLLECTING_JOBS)
    (here,), (elsewhere,) = intake["Constraints"], collector["Constraints"]
    assert collector["Type"] == "system", "a machine that joins later has one, too"
    assert here["LTarget"] == elsewhere["LTarget"] == "${node.unique.name}"
    assert here["RTarget"] == elsewhere["RTarget"] == "node-7"
    assert here["Operand"] in (None, "", "=")
    assert elsewhere["Operand"] == "!="


@pytest.mark.parametrize("name", COLLECTING_JOBS)
def test_the_sidecar_is_like_those_of_the_services(
    collecting: dict[str, Json], jobs: dict[str, Json], name: str
) -> None:
    sidecar = task(without_name(name, collecting[name]), "envoy")
    model = task(anonymous(MODEL, jobs), "envoy")
    same = {"Env": model["Env"]}  # it sends no traces
    if name == LOG_INTAKE:  # the only task of its job
        same["Lifecycle"] = model["Lifecycle"]
    assert {**sidecar, **same} == model


def test_a_collector_is_behind_a_wall_and_reads_links_only(collecting: dict[str, Json]) -> None:
    for each in tasks(collecting[COLLECTOR]):
        if each["Name"] in UNWALLED:
            assert "wall" not in each["Config"]["command"]
            continue
        assert wall(each).command, each["Name"]
    collector = wall(task(collecting[COLLECTOR], "vlagent"))
    assert collector.user == COLLECTOR_USER
    assert collector.read == (f"{HOME}/bin/vlagent", LINKS)
    assert collector.write == (f"{HOME}/volumes/{COLLECTOR}",)


def test_it_collects_as_the_collector_of_the_first_machine_does(
    site: Site, collecting: dict[str, Json]
) -> None:
    own = wall(task(collecting[COLLECTOR], "vlagent")).command
    model = wall(task(read_job(site, LOGS), "vlagent")).command
    assert own == model
    linker = task(collecting[COLLECTOR], "link")
    links = task(read_job(site, LOGS), "link")
    assert linker["Templates"] == links["Templates"]
    *words, machine = linker["Config"]["args"]
    assert machine == "${node.unique.name}", "agents of two machines have the same names"
    assert len(words) == len(links["Config"]["args"])


def test_lines_go_through_the_mesh_to_where_the_store_listens(
    site: Site, collecting: dict[str, Json]
) -> None:
    assert upstreams(collecting[COLLECTOR]) == {LOG_INTAKE: LOGS_PORT}
    proxy = only_service(collecting[LOG_INTAKE])["Connect"]["SidecarService"]["Proxy"]
    assert (proxy["LocalServiceAddress"], proxy["LocalServicePort"]) == (NODE_HOST, LOGS_PORT)
    alone, shared = (
        wall(task(read_job(site, LOGS, network=network), "victoria-logs")).command
        for network in ("", "192.0.2.1")
    )
    assert shared == (*alone, f"-httpListenAddr={NODE_HOST}:{LOGS_PORT}")
    for name, port in ((COLLECTOR, COLLECTOR_PORT), (LOG_INTAKE, LOGS_PORT)):
        (network,) = only_group(collecting[name])["Networks"]
        assert (network["Mode"], network["ReservedPorts"]) == ("bridge", None)
        assert only_service(collecting[name])["PortLabel"] == str(port)


def test_the_password_is_in_a_variable_that_only_the_collector_reads(
    collecting: dict[str, Json],
) -> None:
    path = f"nomad/jobs/{COLLECTOR}/{only_group(collecting[COLLECTOR])['Name']}/vlagent"
    read = {
        (each["Name"], found)
        for job in collecting.values()
        for each in tasks(job)
        for template in each["Templates"] or []
        for found in re.findall(r'nomadVar "([^"]+)"', template["EmbeddedTmpl"])
    }
    assert read == {("vlagent", path)}
    (secret,) = task(collecting[COLLECTOR], "vlagent")["Templates"]
    assert (secret["Perms"], secret["Envvars"]) == ("0600", True)
    assert path in (ROOT / "docs/operations/observing.md").read_text()


def test_the_program_comes_from_the_store_of_artifacts_by_its_checksum(site: Site) -> None:
    (got,) = task(read_job(site, COLLECTOR, program=SHA256), "install")["Artifacts"]
    (model,) = task(read_job(site, RELEASE, artifacts=f'["{SHA256}"]'), "install")["Artifacts"]
    assert {**got, "RelativeDest": ""} == {**model, "RelativeDest": ""}
