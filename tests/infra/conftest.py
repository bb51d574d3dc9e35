"""The cluster's files as Nomad and Consul read them. No job is started here."""

import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from rich.console import Console

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.machine import tools, wait
from tasktracker_cluster.progress import Step
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP_JOBS, COLLECTING_JOBS, DATABASES, EXPORTER, JOBS
from tests.infra.reading import ENTRY_FILES, ROOT, Consul, Json, read_job

BUILD_LIMIT = 3600  # seconds: on a new machine the first tests build all programs with Go
START_LIMIT = 180
SMALL_LOG = 1000  # bytes: the start of an agent fills several files


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(BUILD_LIMIT))


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens(**{field.name: str(uuid.uuid4()) for field in fields(Tokens)})


@pytest.fixture(scope="session")
def site(tokens: Tokens) -> Iterator[Site]:
    """Give a state folder with Nomad, Consul and the agents' rendered configuration."""
    with tempfile.TemporaryDirectory() as home:
        site = Site(home=Path(home), checkout=ROOT)
        tools.install(site, Step("Nomad and Consul", Console(stderr=True), status=None))
        site.agent.mkdir()
        site.secrets.mkdir(mode=0o700)
        site.logs.mkdir()
        supervisor.render(site, tokens)
        yield site


@pytest.fixture(scope="session")
def jobs(site: Site) -> dict[str, Json]:
    """Return every job that `up` runs, as Nomad reads it."""
    return {name: read_job(site, name) for name in JOBS}


@pytest.fixture(scope="session")
def mesh_jobs(site: Site, jobs: dict[str, Json]) -> dict[str, Json]:
    """Return every job of the mesh: with those that run only where they were asked for."""
    return {**jobs, **{name: read_job(site, name) for name in (*BACKUP_JOBS, EXPORTER)}}


@pytest.fixture(scope="session")
def members(site: Site) -> dict[str, Json]:
    """Return the jobs of the databases in a cluster that machines can join."""
    return {
        each.name: read_job(site, each.name, network="192.0.2.1", members="3") for each in DATABASES
    }


@pytest.fixture(scope="session")
def collecting(site: Site) -> dict[str, Json]:
    """Return the jobs that bring the logs of other machines to the store."""
    return {name: read_job(site, name, network="192.0.2.1") for name in COLLECTING_JOBS}


@pytest.fixture(params=(*JOBS, *BACKUP_JOBS, EXPORTER))
def mesh_job(request: pytest.FixtureRequest, mesh_jobs: dict[str, Json]) -> Json:
    """Return each job of the mesh, one after the other."""
    return mesh_jobs[request.param]


@pytest.fixture(params=JOBS)
def job(request: pytest.FixtureRequest, jobs: dict[str, Json]) -> Json:
    """Return each job, one after the other."""
    return jobs[request.param]


@pytest.fixture(scope="session")
def consul(site: Site, tokens: Tokens) -> Iterator[Consul]:
    """Run a real agent with the cluster's configuration, an empty catalog and its own address."""
    program, address = site.bin / "consul", f"unix://{site.home}/consul.sock"
    extra, log = site.home / "extra.json", site.home / "consul.log"
    ports = {
        "http": 8500,
        "https": -1,
        "grpc": -1,
        "grpc_tls": -1,
    }  # http: a socket, in place of the port
    own = own_address()
    settings = {
        "bind_addr": own,
        "advertise_addr": own,
        "addresses": {"http": address},
        "ports": ports,
        "log_rotate_bytes": SMALL_LOG,
    }
    extra.write_text(json.dumps(settings))
    command: list[str | Path] = [program, "agent", "-config-dir", site.agent / "consul"]
    with log.open("w") as output:
        agent = subprocess.Popen([*command, "-config-file", extra], stdout=output, stderr=output)
    env = {"CONSUL_HTTP_ADDR": address, "CONSUL_HTTP_TOKEN": tokens.consul_management}
    client = Consul(program, env)

    def has_leader() -> bool:
        assert agent.poll() is None, log.read_text()
        return client("acl", "token", "read", "-self").returncode == 0

    try:
        wait.until("a Consul leader", has_leader, START_LIMIT)
        yield client
    finally:
        agent.terminate()
        agent.wait()


@pytest.fixture(scope="session")
def entries(consul: Consul) -> dict[tuple[str, str], Json]:
    """Return every configuration entry as Consul stores it, by kind (folder) and name (file)."""
    stored = {}
    for file in ENTRY_FILES:
        written = consul("config", "write", file)
        assert written.returncode == 0, written.stderr
        kind, name = file.parent.name, file.stem
        read = consul("config", "read", "-kind", kind, "-name", name)
        assert read.returncode == 0, f"{file} is not the {kind} of {name}: {read.stderr}"
        stored[kind, name] = json.loads(read.stdout)
    return stored


def own_address() -> str:
    """Return a loopback address for this process only: no other program takes its ports."""
    pid = os.getpid()  # at most 22 bits
    return f"127.{1 + (pid >> 16)}.{pid >> 8 & 255}.{pid & 255}"
