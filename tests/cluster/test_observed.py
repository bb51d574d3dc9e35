"""What joined machines tell the stores on the first one: logs, metrics and spans."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tasktracker_cli.traces.context import Trace
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.machine.network import NODE_ADDRESS, NODE_HOST
from tasktracker_cluster.records import links
from tasktracker_cluster.testing.machines import Laboratory, Machine, install
from tasktracker_cluster.testing.namespaces import entered
from tasktracker_cluster.topology import COLLECTOR, INTAKE, LOGS_PORT, SPANS_PORT
from tests.cluster import health, load
from tests.e2e import test_traces

SEARCHED = "a-request-on-every-machine"

pytestmark = pytest.mark.drill


@pytest.fixture(scope="module")
def observed(grown: Laboratory) -> Iterator[Laboratory]:
    """Give three machines while the first one stores logs, metrics and traces of all."""
    first = grown.machines[0]
    install(first, "--observe", "--traces")
    first.admin("observe", "--traces")
    yield grown
    first.admin("observe", "--off")


def found(first: Machine, *words: str) -> list[dict[str, str]]:
    """Return what a search in the logs prints on the first machine, nothing without the store."""
    answer = first.admin("logs", *words, "--json", check=False)  # it ends with 1 without a line
    if "did not answer" in answer.stderr:  # it is late: its lines are missing, and the wait goes on
        return []
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_a_request_is_found_in_the_logs_of_every_machine(observed: Laboratory) -> None:
    first, *others = observed.machines

    def instances() -> set[str]:
        with first.inside():
            return {each["ID"][:8] for each in first.allocations("stats-service")}

    with first.inside():
        collectors = first.allocations(COLLECTOR)
    assert {each["NodeName"] for each in collectors} == {machine.name for machine in others}
    with observed.client():
        searched = load.client(others[0], "searched")
    with closing(searched) as client:

        def is_found() -> bool:
            with observed.client():
                for _ in range(2):  # the gateway takes the instances in turn, when it knows them
                    answer = client.get("/api/v1/stats/", headers={"X-Request-ID": SEARCHED})
                    answer.raise_for_status()
            records = found(first, "--request-id", SEARCHED)
            return instances() <= {each["instance"] for each in records}

        wait.until("the lines of all instances", is_found, health.LIMIT_SECONDS)
    assert len(instances()) == 2, "at least one is not on the first machine"
    agents = {f"{agent}@{machine.name}" for agent in ("consul", "nomad") for machine in others}

    def are_known() -> bool:
        with first.inside():
            stored = links.origins(links.files(first.as_operator.logs))
        return agents <= {origin.service for origin in stored.values()}

    wait.until("the agents' lines", are_known, health.LIMIT_SECONDS)

    def told() -> dict[str, tuple[int, int, str]]:
        rows = json.loads(first.admin("status", "--json", check=False).stdout or "[]")
        found = {row["name"]: (row["running"], row["wanted"], row["health"]) for row in rows}
        return {name: found[name] for name in (INTAKE, COLLECTOR) if name in found}

    number = len(others)
    well = {INTAKE: (1, 1, "passing"), COLLECTOR: (number, number, "passing")}
    wait.until("healthy collectors", lambda: told() == well, health.LIMIT_SECONDS)


def test_a_request_that_enters_at_a_joined_machine_is_one_trace(observed: Laboratory) -> None:
    first, second, *_ = observed.machines
    traces = [Trace() for _ in range(4)]  # the gateway takes the instances in turn
    with observed.client(), closing(load.client(second, "traced")) as client:
        for trace in traces:
            client.get("/api/v1/stats/", headers=trace.headers).raise_for_status()
    with first.inside():
        for trace in traces:
            found = test_traces.stored(trace)
            statement = next(span for span in found if span.name == test_traces.STATEMENT)
            assert test_traces.way(found, statement) == test_traces.HOPS


@pytest.mark.parametrize(
    "query",
    [
        *(f'up{{job="{job}"}} == 1' for job in ("consul", "nomad", "traefik")),
        'disk_free_bytes{job="disks"} > 0',
    ],
)
def test_agents_gateways_and_disks_of_all_machines_are_known(
    observed: Laboratory, query: str
) -> None:
    first = observed.machines[0]

    def known() -> set[str]:
        with first.inside():
            found = first.as_operator.metrics.call("GET", "/api/v1/query", query=query)
        return {each["metric"]["node"] for each in found["data"]["result"]}

    names = {machine.name for machine in observed.machines}
    wait.until("all machines", lambda: known() == names, health.LIMIT_SECONDS)


def test_nobody_can_listen_in_place_of_the_store_of_traces(observed: Laboratory) -> None:
    url = f"http://{NODE_HOST}:{SPANS_PORT}"
    with (
        observed.machines[1].inside(),
        socket.create_server((NODE_HOST, SPANS_PORT)) as listener,
        httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
    ):
        listener.setblocking(False)
        client.post("/v1/traces", json={"resourceSpans": []}).raise_for_status()
        with pytest.raises(BlockingIOError):
            listener.accept()
        assert client.post("/internal/insert").status_code == 401
        assert client.get("/select/logsql/query", params={"query": "*"}).status_code == 403


def test_no_neighbour_reaches_the_port_of_spans(observed: Laboratory) -> None:
    for machine in observed.machines:
        with machine.inside():
            socket.create_connection((NODE_HOST, SPANS_PORT), timeout=5).close()
        route = ["ip", "route", "replace", NODE_ADDRESS, "via", machine.address]
        with observed.client():
            shell.run(route)
            with pytest.raises(TimeoutError):
                socket.create_connection((NODE_HOST, SPANS_PORT), timeout=2)
            shell.run(["ip", "route", "delete", NODE_ADDRESS])


def test_a_collector_adds_lines_and_reads_none(observed: Laboratory) -> None:
    first, *_ = observed.machines
    with first.inside():
        (collector, *_) = first.allocations(COLLECTOR)
        password = first.as_operator.logs.http.headers["Authorization"]
    with (
        entered(Path("/run/netns", collector["ID"])),
        httpx.Client(
            base_url=f"http://127.0.0.1:{LOGS_PORT}", trust_env=False, timeout=60
        ) as client,
    ):
        for path in ("/select/logsql/query?query=*", "/select/vmui/", "/metrics", "/api/v1/query"):
            for method in ("GET", "POST"):
                answer = client.request(method, path, headers={"Authorization": password})
                assert (path, answer.status_code) == (path, 403)
        for path in ("/internal/insert", "/api/v1/write"):
            assert client.post(path).status_code == 401, "each needs the password"
