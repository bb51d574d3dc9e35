"""The job of traces, and what is told to those that send spans: the same addresses everywhere."""

import json
import re
from typing import Any

import pytest
import yaml

from tasktracker_cluster.jobs import tracing
from tasktracker_cluster.machine.network import NODE_HOST
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    GATEWAY,
    JOB_USERS,
    OBSERVING_USERS,
    PORTS,
    SERVICES,
    SPANS_PORT,
    TRACES,
    TRACES_PORT,
    TRACES_PROGRAM,
    TRACES_USER,
)
from tests.infra.reading import ROOT, Json, only_group, read_job, tasks, wall

HOME = "${meta.tasktracker.home}"
SENDERS = (*(service.name for service in SERVICES), GATEWAY)


@pytest.fixture
def job(site: Site) -> Json:
    return read_job(site, TRACES)


@pytest.fixture
def configuration() -> Any:
    """Return the configuration of Jaeger."""
    return yaml.safe_load((ROOT / "nomad/jobs/traces/jaeger.yml").read_text())


def main_task(job: Json) -> Json:
    return next(task for task in tasks(job) if task["Name"] in ("app", "traefik"))


def test_its_task_is_a_user_of_its_own_that_reads_its_program_and_writes_nothing(job: Json) -> None:
    (task,) = tasks(job)
    assert wall(task).user == TRACES_USER
    assert TRACES_USER not in {*JOB_USERS, *OBSERVING_USERS.values()}
    assert wall(task).command[0] == f"{HOME}/bin/{TRACES_PROGRAM}"
    assert set(wall(task).read) == {wall(task).command[0], "local"}
    assert wall(task).write == wall(task).private == ()


def test_its_memory_is_bounded(job: Json, configuration: Any) -> None:
    (task,) = tasks(job)
    soft = int(task["Env"]["GOMEMLIMIT"].removesuffix("MiB"))
    assert configuration["processors"]["memory_limiter"]["limit_mib"] < soft
    assert soft < task["Resources"]["MemoryMB"]
    (backend,) = configuration["extensions"]["jaeger_storage"]["backends"].values()
    assert set(backend) == {"memory"}
    assert backend["memory"]["max_traces"] > 0
    limiter, *_ = configuration["service"]["pipelines"]["traces"]["processors"]
    assert limiter == "memory_limiter"


def test_it_listens_on_loopback_and_takes_spans_where_allocations_reach_it(
    job: Json, configuration: Any
) -> None:
    text = (ROOT / "nomad/jobs/traces/jaeger.yml").read_text()
    listening = set(re.findall(r'endpoint: "(.+)"', text))
    spans = f"{NODE_HOST}:{SPANS_PORT}"
    numbers = {port.number for port in PORTS if port.traces}
    assert listening == {f"127.0.0.1:{number}" for number in numbers - {SPANS_PORT}} | {spans}
    assert configuration["extensions"]["jaeger_query"]["http"]["endpoint"].endswith(
        f":{TRACES_PORT}"
    )
    (network,) = only_group(job)["Networks"]
    assert {port["Value"] for port in network["ReservedPorts"]} == numbers
    hosts = {port["Value"]: port["HostNetwork"] for port in network["ReservedPorts"]}
    assert {host for number, host in hosts.items() if number != SPANS_PORT} == {"loopback"}
    assert hosts[SPANS_PORT] in ("", "default")


def test_nothing_passes_to_the_store_without_the_processor_that_deletes(configuration: Any) -> None:
    (pipeline,) = configuration["service"]["pipelines"].values()
    assert "attributes/private" in pipeline["processors"]


@pytest.mark.parametrize(
    "name",
    [
        "url.query",
        "url.full",
        "http.url",
        "http.target",
        "user_agent",
        "user_agent.original",
        "http.user_agent",
        "client.address",
        "network.peer.address",
        "net.peer.ip",
        "peer.address",
        "http.request.header.authorization",
        "http.response.header.set-cookie",
    ],
)
def test_what_could_be_private_is_deleted(configuration: Any, name: str) -> None:
    actions = configuration["processors"]["attributes/private"]["actions"]
    assert {action["action"] for action in actions} == {"delete"}
    # Go's \z is Python's \Z.
    patterns = [action["pattern"].replace(r"\z", r"\Z") for action in actions]
    assert any(re.search(pattern, name) for pattern in patterns)
    assert not any(re.search(pattern, "db.query.text") for pattern in patterns)


@pytest.mark.parametrize("name", SENDERS)
def test_a_sender_is_told_where_spans_go_and_by_default_nowhere(site: Site, name: str) -> None:
    assert main_task(read_job(site, name))["Env"]["TRACES_URL"] == ""
    traced = read_job(site, name, traces=tracing.SPANS_URL)
    assert main_task(traced)["Env"]["TRACES_URL"] == tracing.SPANS_URL


def test_each_sidecar_of_a_service_has_a_name_in_traces(site: Site) -> None:
    for service in SERVICES:
        (sidecar,) = [t for t in tasks(read_job(site, service.name)) if t["Name"] == "envoy"]
        named = sidecar["Env"]["OTEL_RESOURCE_ATTRIBUTES"]
        assert named == f"service.name={service.name}-sidecar"


def test_the_gateway_samples_nothing_unasked_by_default(site: Site) -> None:
    assert main_task(read_job(site, GATEWAY))["Env"]["TRACES_SAMPLING"] == "0"
    sampled = main_task(read_job(site, GATEWAY, sampling="0.01"))
    assert sampled["Env"]["TRACES_SAMPLING"] == "0.01"


def test_the_job_remembers_the_share_of_requests(site: Site) -> None:
    assert read_job(site, TRACES, sampling="0.25")["Meta"] == {"sampling": "0.25"}


def test_sidecars_follow_the_gateway_and_send_to_the_same_address() -> None:
    folder = ROOT / "consul" / "tracing"
    receiver = json.loads((folder / "receiver.json").read_text())
    tracer = json.loads((folder / "listeners.json").read_text())
    (endpoints,) = receiver["load_assignment"]["endpoints"]
    (endpoint,) = endpoints["lb_endpoints"]
    address = endpoint["endpoint"]["address"]["socket_address"]
    assert (address["address"], address["port_value"]) == (NODE_HOST, SPANS_PORT)
    uri = tracer["provider"]["typed_config"]["http_service"]["http_uri"]
    assert (uri["uri"], uri["cluster"]) == (tracing.SPANS_URL, receiver["name"])
    assert tracer["random_sampling"] == {"value": 0}
