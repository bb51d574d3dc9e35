"""`observe --traces`: one request's way through the whole cluster, and nothing private in it."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasktracker_cli.errors import UnavailableError
from tasktracker_cli.traces import hops
from tasktracker_cli.traces.context import Trace
from tasktracker_cli.traces.hops import Span
from tasktracker_cli.traces.store import Store
from tasktracker_cluster.jobs import observers
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import GATEWAY_URL, TRACES_URL
from tasktracker_cluster.testing.throwaway import PASSWORD, PROGRAM, ThrowawayCluster
from tasktracker_cluster.topology import PORTS, SERVICES, SPANS_PORT, TRACES, TRACES_USER
from tasktracker_cluster.urls import observing_pages
from tests.figures import Say
from tests.terminal import Terminal

pytestmark = pytest.mark.drill

LIMIT_SECONDS = 120
CONTROL = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]")
# A sidecar passes the calls of the stats service on unread:
# docs/decisions/0040-sidecars-do-no-more.md.
HOPS = ["traefik", "stats-service-sidecar", "stats-service", "task-service-sidecar", "task-service"]
STATEMENT = "SELECT task_counts"
AGENT = "a-program-of-somebody/7.1"
WORD = "a-word-that-somebody-searched-for"

# Whatever else a hop sends has to be looked at before it may be stored.
ATTRIBUTES = {
    "component",
    "db.query.text",
    "db.system.name",
    "downstream_cluster",
    "entry_point",
    "error",
    "error.type",
    "guid:x-request-id",
    "http.method",
    "http.protocol",
    "http.request.body.size",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "http.status_code",
    "internal.span.format",
    "network.protocol.version",
    "node_id",
    "otel.scope.name",
    "otel.scope.version",
    "otel.status_code",
    "otel.status_description",
    "request_size",
    "response_flags",
    "response_size",
    "server.address",
    "server.port",
    "service.peer.name",
    "span.kind",
    "upstream_address",
    "upstream_cluster",
    "upstream_cluster.name",
    "url.path",
    "url.scheme",
    "zone",
}


@pytest.fixture(scope="module")
def traced(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Give the cluster with traces."""
    cluster.admin("observe", "--traces")
    yield cluster
    cluster.admin("observe", "--off")


def stored(trace: Trace) -> list[Span]:
    """Return the spans of a trace of one request when all have come."""
    trace.requests = 1

    def come() -> list[Span] | None:
        with suppress(UnavailableError):  # the client waits five seconds for an answer
            return Store(TRACES_URL).wait_for(trace, patience=LIMIT_SECONDS)
        return None

    found = wait.until("an answer of the store", come, LIMIT_SECONDS)
    assert hops.is_complete(found, trace.parent, 1), found
    return found


def way(found: list[Span], leaf: Span) -> list[str]:
    """Return the services of a span and of those that it is below, without repetitions."""
    known, hops = {span.identifier: span for span in found}, [leaf.service]
    while leaf.parent in known:
        leaf = known[leaf.parent]
        if leaf.service != hops[0]:
            hops.insert(0, leaf.service)
    return hops


def everything() -> list[Any]:
    """Return all traces that the store has."""
    with httpx.Client(base_url=TRACES_URL, trust_env=False, timeout=60) as client:
        services = client.get("/api/services").raise_for_status().json()["data"]
        assert {"traefik", *(each.name for each in SERVICES if each.database)} <= set(services)
        return [
            trace
            for service in services
            for trace in client.get(
                "/api/traces", params={"service": service, "limit": "1500", "lookback": "1h"}
            )
            .raise_for_status()
            .json()["data"]
        ]


def told_in_time(
    traced: ThrowawayCluster, env: dict[str, str]
) -> tuple[str, str, list[Span]] | None:
    """Let the CLI trace a request. Return what it shows, the trace's name, and its spans.

    None when some of them came to the store after the CLI had looked.
    """
    terminal = Terminal([PROGRAM, "--trace", "stats"], env, columns=120)
    assert terminal.end() == 0, terminal.shown
    shown = CONTROL.sub("", terminal.shown).replace("\r", "")
    identifier = re.search(r"trace ([0-9a-f]{32})", shown)
    assert identifier, shown
    answer = traced.as_operator.traces.find(f"/api/traces/{identifier[1]}")
    found = hops.read(answer) if answer else []
    is_whole = STATEMENT in shown and STATEMENT in [span.name for span in found]
    return (shown, identifier[1], found) if is_whole and len(rows(shown)) == len(found) else None


def rows(shown: str) -> list[tuple[str, str, str]]:
    """Return the spans that the CLI shows: their place in the tree, service and name."""
    return re.findall(r"(?m)^([ │├└─]+)[\d.,]+ ms (\S+) (.*?) *$", shown)


def test_the_cli_shows_each_hop_of_the_statistics(traced: ThrowawayCluster, say: Say) -> None:
    with traced.user("hopper").http() as client:
        token = client.headers["Authorization"].removeprefix("Bearer ")
    env = traced.environment(TASKTRACKER_TOKEN=token, NO_COLOR="1", TERM="xterm-256color")
    # The CLI waits some seconds for spans. Those of a busy machine may come later.
    shown, identifier, found = wait.until(
        "a trace that is whole in time", lambda: told_in_time(traced, env), LIMIT_SECONDS
    )
    statement = next(span for span in found if span.name == STATEMENT)
    assert way(found, statement) == HOPS
    (listed,) = observing_pages([TRACES])
    page = httpx.get(listed.page, trust_env=False, timeout=60).raise_for_status()
    assert identifier in page.text
    assert len(rows(shown)) == len(found)
    assert rows(shown)[-1][1:] == ("task-service", STATEMENT)
    told = shown[shown.index(identifier) :].splitlines()
    say("\n".join(line for line in told if "Waiting for the trace" not in line))


def test_a_change_of_an_account_shows_its_statements(traced: ThrowawayCluster) -> None:
    trace = Trace()
    with traced.user("changer").http() as client:
        changed = {"full_name": WORD}
        client.patch("/api/v1/auth/me", json=changed, headers=trace.headers).raise_for_status()
    ours = {"UPDATE users", "PATCH /api/v1/auth/me"}

    def have_come() -> bool:
        return ours <= {span.name for span in stored(trace) if span.service == "user-service"}

    wait.until("its spans", have_come, LIMIT_SECONDS)


def test_nothing_private_is_stored(traced: ThrowawayCluster) -> None:
    trace, login = Trace(), Trace()
    with traced.user("reader").http() as client:
        token = client.headers["Authorization"].removeprefix("Bearer ")
        headers = {**trace.headers, "User-Agent": AGENT, "Cookie": f"word={WORD}"}
        found = client.get("/api/v1/tasks/", params={"q": WORD}, headers=headers)
    httpx.post(
        f"{GATEWAY_URL}/api/v1/auth/login",
        json={"username": "reader", "password": PASSWORD},
        headers={**login.headers, "User-Agent": AGENT},
        trust_env=False,
        timeout=60,
    ).raise_for_status()
    assert found.status_code in (200, 422)
    assert stored(trace)
    assert stored(login)
    everywhere = everything()
    text = json.dumps(everywhere)
    assert trace.identifier in text
    assert login.identifier in text
    for private in (WORD, AGENT, PASSWORD, "httpx", "Mozilla", *token.split(".")):
        assert private not in text, private
    tags = {tag["key"] for each in everywhere for span in each["spans"] for tag in span["tags"]}
    assert tags <= ATTRIBUTES, tags - ATTRIBUTES


def test_a_request_that_asks_for_nothing_is_not_stored(traced: ThrowawayCluster) -> None:
    asked, user = Trace(), traced.user("silent")
    with user.http() as client:
        silent = client.get("/api/v1/stats/", headers={"X-Request-ID": "of-a-silent-request"})
        silent.raise_for_status()
        client.get("/api/v1/stats/", headers=asked.headers).raise_for_status()
    assert stored(asked)  # it was later, and has come
    assert "of-a-silent-request" not in json.dumps(everything())


def test_a_line_of_the_log_names_its_trace(traced: ThrowawayCluster) -> None:
    trace = Trace()
    with traced.user("logger").http() as client:
        headers = {**trace.headers, "X-Request-ID": "of-a-traced-request"}
        client.get("/api/v1/stats/", headers=headers).raise_for_status()

    def named() -> bool:
        words = ("logs", "--request-id", "of-a-traced-request", "--json")
        found = traced.admin(*words, check=False).stdout
        return found.count(trace.identifier) == 2  # stats and task

    wait.until("both lines", named, LIMIT_SECONDS)


def test_status_and_doctor_know_the_job(traced: ThrowawayCluster) -> None:
    rows = json.loads(traced.admin("status", "--json", check=False).stdout)
    (row,) = [row for row in rows if row["name"] == TRACES]
    assert (row["kind"], row["health"]) == ("job", "passing")
    assert TRACES in traced.admin("doctor", check=False).stdout


def test_its_task_is_a_user_of_its_own_and_listens_where_it_should(
    traced: ThrowawayCluster,
) -> None:
    pid = traced.task_pid(TRACES, "jaeger")
    assert Path(f"/proc/{pid}").owner() == TRACES_USER
    for port in PORTS:
        if port.traces:
            host = "127.0.0.1" if port.number != SPANS_PORT else "169.254.1.1"
            other = "127.0.0.1" if port.number == SPANS_PORT else "169.254.1.1"
            socket.create_connection((host, port.number), timeout=5).close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((other, port.number), timeout=5)


def sends_no_span(cluster: ThrowawayCluster) -> bool:
    """Return whether no service was told where spans are sent."""
    pids = [cluster.service_pid(service.module) for service in SERVICES]
    try:
        return not any(b"TRACES_URL=http" in Path(f"/proc/{p}/environ").read_bytes() for p in pids)
    except OSError:  # one has just ended
        return False


def test_off_leaves_the_cluster_as_it_was(traced: ThrowawayCluster) -> None:
    traced.admin("observe", "--off")
    assert observers.running(traced.as_operator) == []
    entry = traced.consul.call("GET", "/v1/config/proxy-defaults/global")
    assert "tracing" not in json.dumps(entry)
    # The old instances end some seconds after the new ones have taken over.
    wait.until("services without traces", lambda: sends_no_span(traced), LIMIT_SECONDS)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("169.254.1.1", SPANS_PORT), timeout=5)
    with traced.user("after").http() as client:
        client.get("/api/v1/stats/", headers=Trace().headers).raise_for_status()
