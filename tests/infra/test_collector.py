"""The jobs that bring logs, metrics and spans of joined machines to the stores on the first one."""

import json
import re

import pytest
import yaml

from tasktracker_cluster.machine.network import NODE_ADDRESS, NODE_HOST
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    COLLECTING_JOBS,
    COLLECTING_PROGRAMS,
    COLLECTOR,
    COLLECTOR_PORT,
    COLLECTOR_USER,
    INTAKE,
    LOGS,
    LOGS_PORT,
    METRICS,
    RELEASE,
    SCRAPER_USER,
    SPANS_PORT,
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
SHA256 = {"vlagent": "0123456789abcdef" * 4, "vmagent": "fedcba9876543210" * 4}


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
    if name == INTAKE:  # the only task of its job
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
    scraper = wall(task(collecting[COLLECTOR], "vmagent"))
    assert scraper.user == SCRAPER_USER
    assert scraper.read == (f"{HOME}/bin/vmagent", "local")
    assert scraper.write == (f"{HOME}/volumes/scraper",)


def command(task: Json) -> tuple[str, ...]:
    return wall(task).command


def test_disks_are_watched_as_on_the_first_machine(site: Site, collecting: dict[str, Json]) -> None:
    own, model = task(collecting[COLLECTOR], "disks"), task(read_job(site, METRICS), "disks")
    (*start, store, node, home), (*same, _, first, where) = map(command, (own, model))
    assert (start, node, home) == (same, first, where)
    assert store == "http://127.0.0.1:8429"
    listening = store.replace("http://", "-httpListenAddr=")
    assert listening in command(task(collecting[COLLECTOR], "vmagent"))
    assert {**own, "Config": ""} == {**model, "Config": ""}


def test_the_agents_and_the_gateway_are_asked_as_on_the_first_machine(site: Site) -> None:
    own, model = (
        {each["job_name"]: each for each in yaml.safe_load(file.read_text())["scrape_configs"]}
        for file in (
            ROOT / "nomad/jobs/collector/scrape.yml",
            ROOT / "nomad/jobs/metrics/scrape.yml",
        )
    )
    assert set(own) == {"traefik", "nomad", "consul"}
    for name, each in own.items():
        (here,), (there,) = each.pop("static_configs"), model[name].pop("static_configs")
        assert here["labels"].pop("__unix_socket__").endswith("/agent-metrics/http.sock")
        assert there["labels"].pop("node") == '[[ env "node.unique.name" ]]'
        assert here == there
        assert each == model[name]


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
    assert upstreams(collecting[COLLECTOR]) == {INTAKE: LOGS_PORT}
    proxy = only_service(collecting[INTAKE])["Connect"]["SidecarService"]["Proxy"]
    assert (proxy["LocalServiceAddress"], proxy["LocalServicePort"]) == (NODE_HOST, LOGS_PORT)
    alone, shared = (
        {each["Name"] for each in tasks(read_job(site, LOGS, network=network))}
        for network in ("", "192.0.2.1")
    )
    assert shared - alone == {"vmauth"}
    vmauth = wall(task(read_job(site, LOGS, network="192.0.2.1"), "vmauth")).command
    assert [word for word in vmauth if "ListenAddr=" in word] == [
        f"-httpListenAddr={NODE_HOST}:{LOGS_PORT}",
        "-httpInternalListenAddr=",
    ]
    for name, port in ((COLLECTOR, COLLECTOR_PORT), (INTAKE, LOGS_PORT)):
        (network,) = only_group(collecting[name])["Networks"]
        assert network["Mode"] == "bridge"
        assert only_service(collecting[name])["PortLabel"] == str(port)


def test_spans_go_the_same_way_from_the_address_that_senders_know(
    collecting: dict[str, Json],
) -> None:
    (upstream,) = only_service(collecting[COLLECTOR])["Connect"]["SidecarService"]["Proxy"][
        "Upstreams"
    ]
    (port,) = only_group(collecting[COLLECTOR])["Networks"][0]["ReservedPorts"]
    assert (port["Value"], port["To"]) == (SPANS_PORT, upstream["LocalBindPort"])
    assert upstream["LocalBindAddress"] == "0.0.0.0"  # nosec B104 - of its network
    agent = (ROOT / "nomad/agent/cluster.hcl.tmpl").read_text()
    assert f'host_network "{port["HostNetwork"]}" {{\n    cidr = "{NODE_ADDRESS}"' in agent
    assert only_group(collecting[INTAKE])["Networks"][0]["ReservedPorts"] is None


def test_the_password_is_in_a_variable_that_only_the_collector_reads(
    collecting: dict[str, Json],
) -> None:
    folder = f"nomad/jobs/{COLLECTOR}/{only_group(collecting[COLLECTOR])['Name']}"
    read = {
        (each["Name"], found)
        for job in collecting.values()
        for each in tasks(job)
        for template in each["Templates"] or []
        for found in re.findall(r'nomadVar "([^"]+)"', template["EmbeddedTmpl"])
    }
    assert read == {(name, f"{folder}/{name}") for name in COLLECTING_PROGRAMS}
    documented = (ROOT / "docs/operations/observing.md").read_text()
    for name in COLLECTING_PROGRAMS:
        *_, secret = task(collecting[COLLECTOR], name)["Templates"]
        assert (secret["Perms"], secret["Envvars"]) == ("0600", True)
        assert f"{folder}/{name}" in documented


def test_its_programs_come_from_the_store_of_artifacts_by_their_checksums(site: Site) -> None:
    got = task(read_job(site, COLLECTOR, **SHA256), "install")["Artifacts"]
    offered = json.dumps(list(SHA256.values()))
    model = task(read_job(site, RELEASE, artifacts=offered), "install")["Artifacts"]
    assert [{**each, "RelativeDest": ""} for each in got] == [
        {**each, "RelativeDest": ""} for each in model
    ]
