"""topology.py has the same facts as the files of Nomad, Consul and Traefik."""

import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

import pytest
import yaml

from cluster.tests.fake_cluster import FakeCluster, install_release
from cluster.tests.http_server import Agent, Request, serving
from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.jobs import passwords, rollout, signing_keys
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    BACKUP,
    BACKUP_JOBS,
    DATABASES,
    EXPORTER,
    GATEWAY,
    MAIN_TASKS,
    MEMBERSHIP_PORT,
    OBSERVING_JOBS,
    PORTS,
    RELEASE,
    RELEASE_JOBS,
    ROLES,
    SERVICES,
    SHARED_FOLDER,
    SHARED_STORE_PORT,
    SIGNER,
    STORE,
    STORE_PORT,
    STORING_JOBS,
    Database,
    Service,
)
from tests.infra.reading import (
    ROOT,
    Entries,
    Json,
    intentions,
    only_group,
    only_service,
    read_job,
    upstreams,
    wall,
)

POSTGRESQL_PORT = 5432

# The ports of the agents that are not in their files.
CONSUL_DEFAULTS = {
    "dns": 8600,
    "grpc": -1,
    "grpc_tls": 8503,
    "http": 8500,
    "https": -1,
    "serf_lan": 8301,
    "serf_wan": 8302,
    "server": 8300,
}
NOMAD_DEFAULTS = {"http": 4646, "rpc": 4647, "serf": 4648}

each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
each_database = pytest.mark.parametrize("database", DATABASES, ids=lambda each: each.name)


def task(job: Json, name: str) -> Json:
    """Return a task of the job."""
    return next(each for each in only_group(job)["Tasks"] if each["Name"] == name)


def agent_ports(agent: str, defaults: dict[str, int], *files: str) -> set[int]:
    """Return the ports that an agent with these files listens on."""
    text = "".join((ROOT / agent / "agent" / f"{file}.hcl").read_text() for file in files)
    blocks = re.findall(r"(?ms)^ports \{(.+?)^\}", text)
    named = re.findall(r"(?m)^\s*(\w+)\s*=\s*(-?\d+)", "".join(blocks))
    numbers = defaults | {name: int(port) for name, port in named}
    # An agent makes sockets in the place of these.
    node = ROOT / agent / "agent" / "node.hcl.tmpl" if "base" in files else None
    sockets = re.findall(r'(?m)^  (\w+) *= "unix://', node.read_text()) if node else []
    return {port for name, port in numbers.items() if name not in sockets} - {-1}


def gateway_ports(file: str) -> Iterator[tuple[str, int]]:
    """Yield the address and port of each of Traefik's entry points."""
    text = re.sub(r'\[\[ env "meta.tasktracker.(\w+)" \]\]', r"\1", (ROOT / file).read_text())
    for entry_point in yaml.safe_load(text)["entryPoints"].values():
        address, _, port = entry_point["address"].rpartition(":")
        yield address, int(port)


def page_ports() -> Iterator[tuple[str, int]]:
    """Yield the address and port of each listener before the pages."""
    text = Template((ROOT / "pages/envoy.yaml.tmpl").read_text()).safe_substitute(bind="bind")
    for listener in yaml.safe_load(text)["static_resources"]["listeners"]:
        if where := listener["address"].get("socket_address"):  # one has a socket in a folder
            yield where["address"], where["port_value"]


def test_every_port_is_in_the_configuration_of_a_program() -> None:
    agents = agent_ports("nomad", NOMAD_DEFAULTS, "base", "client", "server", "single")
    agents |= agent_ports("consul", CONSUL_DEFAULTS, "base", "server", "single")
    others = {port for _, port in (*gateway_ports("traefik/traefik.yml.tmpl"), *page_ports())}
    others |= {port.number for port in PORTS if port.observes or port.traces}
    of_releases = {STORE_PORT, SHARED_STORE_PORT}
    assert {port.number for port in PORTS} == agents | others | of_releases | {MEMBERSHIP_PORT}


def test_the_ports_of_observe_are_those_of_its_jobs(site: Site) -> None:
    reserved = {
        port["Value"]
        for name in STORING_JOBS
        for port in only_group(read_job(site, name))["Networks"][0]["ReservedPorts"]
    }
    assert {port.number for port in PORTS if port.observes} == reserved


def test_the_installer_fetches_from_the_port_that_the_store_has(site: Site) -> None:
    store, release = (read_job(site, name) for name in (STORE, RELEASE))
    (network,) = only_group(store)["Networks"]
    assert [port["Value"] for port in network["ReservedPorts"]] == [STORE_PORT]
    _, _, *addresses = wall(task(store, RELEASE_JOBS[STORE])).command[4:]
    assert addresses == [
        f"127.0.0.1:{STORE_PORT}",
        f"${{meta.tasktracker.address}}:{SHARED_STORE_PORT}",
    ]
    (fetched,) = task(read_job(site, RELEASE, artifacts='["a1"]'), "install")["Artifacts"]
    assert fetched["GetterSource"] == f"http://127.0.0.1:{STORE_PORT}/a1.pex"
    assert fetched["GetterOptions"] == {"checksum": "sha256:a1"}
    assert {store["Type"], release["Type"]} == {"system"}, "later nodes get them, too"


def test_the_stores_of_all_machines_ask_each_other(site: Site) -> None:
    store = read_job(site, STORE, nodes='["10.0.0.1", "10.0.0.2"]')
    stores = [f"10.0.0.{n}:{SHARED_STORE_PORT}" for n in (1, 2)]
    assert list(wall(task(store, RELEASE_JOBS[STORE])).command[-2:]) == stores
    assert store["Meta"] == {"nodes": "10.0.0.1 10.0.0.2"}, "`just env` reads it"


def test_telling_the_running_stores_makes_the_job_of_the_file(site: Site) -> None:
    """Otherwise the next `up` would restart them all."""
    job = {**read_job(site, STORE, nodes='["10.0.0.1"]'), "Stop": False, "JobModifyIndex": 7}
    told: list[Json] = []

    def register(asked: Request) -> Json:
        told.append(asked.body["Job"])
        return {}

    with serving(Nomad()) as nomad, serving(Agent()) as consul:
        nomad.answers |= {f"/v1/job/{STORE}": job, "/v1/jobs": register}
        rollout.tell_stores(FakeCluster(site, nomad, consul), ["10.0.0.1", "10.0.0.2"])
    expected = read_job(site, STORE, nodes='["10.0.0.1", "10.0.0.2"]')
    assert told == [{**expected, "Stop": False, "JobModifyIndex": 7}]


def test_the_jobs_of_releases_change_on_all_nodes_at_once(site: Site) -> None:
    for name in RELEASE_JOBS:
        assert read_job(site, name)["Update"]["MaxParallel"] == 0, name


def test_the_public_ports_are_those_with_a_configurable_address() -> None:
    proxies = (*gateway_ports("traefik/traefik.yml.tmpl"), *page_ports())
    chosen = {port for address, port in proxies if address == "bind"}
    assert {port.number for port in PORTS if port.is_public} == chosen


def test_dev_uses_the_ports_that_its_own_files_name() -> None:
    used = agent_ports("consul", CONSUL_DEFAULTS, "dev")
    used |= {port for _, port in gateway_ports("traefik/dev.yml")}
    assert {port.number for port in PORTS if port.in_dev} == used


def test_nomad_gives_the_gateway_its_ports(jobs: dict[str, Json]) -> None:
    (network,) = only_group(jobs[GATEWAY])["Networks"]
    reserved = {port["Value"] for port in network["ReservedPorts"]}
    assert reserved == {port for _, port in gateway_ports("traefik/traefik.yml.tmpl")}


def listed_ports(page: str) -> set[int]:
    """Return the ports in the first table after a line that begins with `| Port |`."""
    table = (ROOT / page).read_text().partition("| Port |")[2].partition("\n\n")[0]
    rows = re.findall(r"(?m)^\| ([\d, ]+) \|", table)
    return {int(port) for row in rows for port in row.split(",")}


def test_the_page_on_operations_lists_the_ports() -> None:
    assert listed_ports("docs/operations/reference.md") == {port.number for port in PORTS}


def test_the_page_on_development_lists_the_ports_of_dev() -> None:
    used = {port.number for port in PORTS if port.in_dev}
    used |= {each.port for each in SERVICES} | {each.dev_port for each in DATABASES}
    assert listed_ports("docs/development.md") == used


@each_service
def test_a_service_listens_on_its_port(jobs: dict[str, Json], service: Service) -> None:
    job = jobs[service.name]
    assert only_service(job)["PortLabel"] == str(service.port)
    assert task(job, MAIN_TASKS[service.name])["Env"]["PORT"] == str(service.port)


@each_service
def test_a_service_finds_its_upstreams_on_its_own_loopback(
    jobs: dict[str, Json], service: Service
) -> None:
    ports = {each.name: each.port for each in SERVICES}
    called = {call.service: ports[call.service] for call in service.upstream_calls}
    if service.database:
        called[service.database.name] = POSTGRESQL_PORT
    assert upstreams(jobs[service.name]) == called


@each_service
def test_an_upstream_call_is_one_that_an_intention_allows(
    entries: Entries, service: Service
) -> None:
    for call in service.upstream_calls:
        permissions = intentions(entries)[service.name, call.service]["Permissions"]
        assert call.path in [each["HTTP"]["PathExact"] for each in permissions]


@each_service
def test_a_services_code_is_where_its_job_runs_it_from(
    jobs: dict[str, Json], service: Service
) -> None:
    command = wall(task(jobs[service.name], MAIN_TASKS[service.name])).command
    assert command[-2:] == ("-m", service.module)
    assert (ROOT / "services" / service.folder / "src" / service.module).is_dir()


def test_every_folder_of_a_service_is_known() -> None:
    folders = {path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml")}
    assert folders == {SHARED_FOLDER, *(service.folder for service in SERVICES)}


@pytest.mark.parametrize("file", ["traefik/mesh.yml.tmpl", "traefik/dev.yml"])
def test_a_services_route_is_below_the_prefix_that_the_gateway_gives_it(file: str) -> None:
    prefixes = dict(re.findall(r'"([\w-]+)" "(/\S*)"', (ROOT / file).read_text()))
    for service in SERVICES:
        prefix = prefixes.pop(service.name)
        assert service.route == prefix or service.route.startswith(prefix.rstrip("/") + "/")
    assert prefixes == {}


@each_database
def test_a_database_has_the_names_that_its_job_gives_it(
    jobs: dict[str, Json], database: Database
) -> None:
    environment = task(jobs[database.name], "postgres")["Env"]
    assert environment["DATABASE"] == database.database
    for role in ROLES:
        assert environment[role.upper()] == database.role(role)
    assert only_service(jobs[database.name])["PortLabel"] == str(POSTGRESQL_PORT)


def test_the_main_task_is_the_one_that_no_other_waits_for(mesh_jobs: dict[str, Json]) -> None:
    main = {
        name: [each["Name"] for each in only_group(job)["Tasks"] if not each["Lifecycle"]]
        for name, job in mesh_jobs.items()
    }
    known = MAIN_TASKS | BACKUP_JOBS | {EXPORTER: OBSERVING_JOBS[EXPORTER]}
    assert main == {name: [task] for name, task in known.items()}


def test_barman_finds_each_database_on_the_port_and_by_the_role_that_it_has(
    mesh_jobs: dict[str, Json],
) -> None:
    assert upstreams(mesh_jobs[BACKUP]) == {each.name: each.dev_port for each in DATABASES}
    script = (ROOT / "nomad/jobs/backup/barman.sh").read_text()
    for each in DATABASES:
        assert f"{each.name}) port={each.dev_port} role={each.role('backup')} " in script


def test_the_exporter_finds_each_database_on_the_port_and_by_the_role_that_it_has(
    mesh_jobs: dict[str, Json],
) -> None:
    job = mesh_jobs[EXPORTER]
    assert upstreams(job) == {each.name: each.dev_port for each in DATABASES}
    templates = task(job, OBSERVING_JOBS[EXPORTER])["Templates"]
    (text,) = [each["EmbeddedTmpl"] for each in templates if each["Envvars"]]
    scrape = (ROOT / "nomad/jobs/metrics/scrape.yml").read_text()
    for each in DATABASES:
        item = f"{each.name.replace('-', '_')}_password"
        login = f"postgresql://{each.role('monitor')}:{{{{ .{item} }}}}@127.0.0.1:{each.dev_port}/"
        assert login in text
        named = f'regex: ".*:{each.dev_port}", target_label: service, replacement: {each.name}'
        assert named in scrape


def templates(job: Json) -> Iterator[tuple[str, str, set[str]]]:
    """Yield the path of each Nomad variable that a task reads, the task's own path, and items."""
    group = only_group(job)
    for each in group["Tasks"]:
        own = f"nomad/jobs/{job['ID']}/{group['Name']}/{each['Name']}"
        for template in each["Templates"] or []:
            text = template["EmbeddedTmpl"]
            for path in re.findall(r'nomadVar "([^"]+)"', text):
                yield path, own, set(re.findall(r"\{\{ \.(\w+)", text))


def test_a_task_reads_the_variable_that_only_it_may_read(mesh_jobs: dict[str, Json]) -> None:
    for job in mesh_jobs.values():
        for path, own, _ in templates(job):
            assert path == own


def test_up_writes_the_variables_that_tasks_read_and_nothing_else(
    mesh_jobs: dict[str, Json], tmp_path: Path
) -> None:
    site = Site(tmp_path, ROOT)
    install_release(site)
    with serving(Nomad()) as nomad:
        cluster = FakeCluster(site, nomad, Agent())
        passwords.make(cluster)
        signing_keys.make(cluster)
    read: dict[str, set[str]] = {}
    for job in mesh_jobs.values():
        for path, _, items in templates(job):
            read.setdefault(path, set()).update(items)
    assert {path: set(items) for path, items in nomad.variables.items()} == read
    assert [path for path, items in read.items() if "jwt_private_key" in items] == [
        f"nomad/jobs/{SIGNER}/api/app"
    ]
