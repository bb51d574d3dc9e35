"""`--trace`: the request asks for a trace, and a terminal shows it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cli.tests.conftest import TASK, Answer, Cli, FakeGateway, Request
from cli.tests.on_terminal import CTRL_C, on_terminal
from tasktracker_cli.traces import hops
from tasktracker_cli.traces.context import Trace
from tasktracker_cli.traces.store import INTERVAL, Store

CONTROL = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]")
STATS = {
    "total_tasks": 1,
    "completed_tasks": 0,
    "pending_tasks": 1,
    "completion_percentage": 0.0,
    "overdue_tasks": 0,
    "by_status": {"todo": 1, "in_progress": 0, "done": 0},
    "by_priority": {"low": 0, "medium": 1, "high": 0},
}
NOT_YET = Answer(404, {"errors": [{"code": 404, "msg": "trace not found"}]})


def span(identifier: str, parent: str, process: str, start: int, **more: Any) -> dict[str, Any]:
    reference = {"refType": "CHILD_OF", "spanID": parent, "traceID": "t"}
    return {
        "spanID": identifier,
        "operationName": f"work of {identifier}",
        "references": [reference],
        "startTime": 1_000_000 + start,
        "duration": 1500,
        "tags": [],
        "processID": process,
        **more,
    }


def jaeger_answer(*spans: dict[str, Any]) -> Answer:
    names = {"p1": {"serviceName": "traefik"}, "p2": {"serviceName": "stats-service"}}
    return Answer(body={"data": [{"traceID": "t", "spans": list(spans), "processes": names}]})


class FakeJaeger(FakeGateway):
    """A store of traces that gives each of `parts` once, and goes on to give the last one.

    A part is made from the id of the span that the client named.
    """

    def __init__(self, gateway: FakeGateway) -> None:
        super().__init__()
        self._gateway = gateway
        self.parts: list[Any] = [lambda parent: jaeger_answer(span("a", parent, "p1", 0))]

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        _, trace, parent, _ = self._gateway.requests[-1].headers["traceparent"].split("-")
        assert request.path == f"/api/traces/{trace}"
        part = self.parts.pop(0) if len(self.parts) > 1 else self.parts[0]
        found: Answer = part(parent) if callable(part) else part
        return found


@pytest.fixture
def jaeger(gateway: FakeGateway, cli: Cli) -> Iterator[FakeJaeger]:
    gateway.on("GET /stats/", Answer(body=STATS))
    fake = FakeJaeger(gateway)
    cli.env["TASKTRACKER_TRACES_URL"] = fake.url
    yield fake
    fake.close()


@pytest.mark.parametrize("words", [("--trace", "stats"), ("stats", "--trace")])
def test_each_request_asks_for_one_trace_whose_id_is_told(
    cli: Cli, gateway: FakeGateway, words: tuple[str, ...]
) -> None:
    gateway.on("GET /stats/", Answer(body=STATS))
    done = cli(*words)
    assert done.returncode == 0
    header = gateway.requests[0].headers["traceparent"]
    found = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-01", header)
    assert found
    assert done.stderr == f"→ trace {found[1]}\n"


def test_all_requests_of_a_run_are_parts_of_one_trace(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body=TASK))
    gateway.on("GET /tasks/8", Answer(body={**TASK, "id": 8}))
    cli("task", "show", "7", "8", "--trace")
    seen = {each.headers["traceparent"] for each in gateway.requests}
    assert (len(gateway.requests), len(seen)) == (2, 1)


def test_without_the_option_nothing_is_asked_for(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /stats/", Answer(body=STATS))
    assert cli("stats").stderr == ""
    assert "traceparent" not in gateway.requests[0].headers


def test_programs_get_the_id_as_json_and_no_tree(cli: Cli, jaeger: FakeJaeger) -> None:
    done = cli("stats", "--trace", "--json")
    assert json.loads(done.stdout) == STATS
    assert re.fullmatch(r"trace [0-9a-f]{32}", json.loads(done.stderr)["trace"]["message"])
    assert jaeger.requests == []


def test_a_run_without_a_request_has_no_trace(guest: Cli) -> None:
    done = guest("stats", "--trace")
    assert done.returncode == 4
    assert "trace " not in done.stderr


def test_a_terminal_shows_the_trace_when_all_of_it_has_come(cli: Cli, jaeger: FakeJaeger) -> None:
    failed = {"tags": [{"key": "error", "type": "bool", "value": True}]}
    later = [span("c", "b", "p2", 700, **failed), span("b", "a", "p2", 500)]
    jaeger.parts = [
        NOT_YET,
        jaeger_answer(later[0]),  # its parents have not come
        lambda parent: jaeger_answer(*later, span("a", parent, "p1", 0)),
    ]
    code, shown = on_terminal(cli, "stats", "--trace")
    assert code == 0
    lines = CONTROL.sub("", shown).replace("\r", "").splitlines()
    assert len(jaeger.requests) > 3
    assert lines[-4:] == [
        "2.2 ms, 3 spans",
        "└── 1.5 ms traefik work of a",
        "    └── 1.5 ms stats-service work of b",
        "        └── 1.5 ms stats-service work of c failed",
    ]


def test_a_request_that_fails_is_shown_too(
    cli: Cli, gateway: FakeGateway, jaeger: FakeJaeger
) -> None:
    gateway.on("GET /stats/", Answer(503, {"status": 503, "title": "Away"}))
    code, shown = on_terminal(cli, "stats", "--trace")
    assert code == 7
    assert "traefik work of a" in CONTROL.sub("", shown)


def test_a_name_cannot_act_on_the_terminal(cli: Cli, jaeger: FakeJaeger) -> None:
    evil = {"operationName": "\x1b[31mred"}
    jaeger.parts = [lambda parent: jaeger_answer(span("a", parent, "p1", 0, **evil))]
    _, shown = on_terminal(cli, "stats", "--trace")
    assert r"traefik \x1b[31mred" in CONTROL.sub("", shown)


def test_a_store_that_does_not_run_is_named(cli: Cli, jaeger: FakeJaeger) -> None:
    code, shown = on_terminal(
        cli, "stats", "--trace", width=200, TASKTRACKER_TRACES_URL="http://127.0.0.1:1"
    )
    assert code == 0
    assert "No store of traces answers at http://127.0.0.1:1." in shown
    assert "./just observe --traces" in shown


def test_a_server_that_is_no_store_is_named(cli: Cli, jaeger: FakeJaeger) -> None:
    jaeger.parts = [Answer(body={"data": "nothing"})]
    code, shown = on_terminal(cli, "stats", "--trace", width=200)
    assert (code, f"What answers at {jaeger.url} is no store of traces." in shown) == (0, True)


@pytest.mark.parametrize(
    "url", ["https://elsewhere", "elsewhere:16686", "http://h:abc", "http://h:99999", "http://[h"]
)
def test_an_address_that_is_none_is_refused(cli: Cli, jaeger: FakeJaeger, url: str) -> None:
    _, shown = on_terminal(cli, "stats", "--trace", width=200, TASKTRACKER_TRACES_URL=url)
    assert f"TASKTRACKER_TRACES_URL is '{url}'." in shown


def test_a_name_that_is_no_hosts_is_named(cli: Cli, jaeger: FakeJaeger) -> None:
    _, shown = on_terminal(cli, "stats", "--trace", width=200, TASKTRACKER_TRACES_URL="http://a..b")
    assert "No store of traces answers at http://a..b." in shown


def test_ctrl_c_ends_the_wait_for_the_trace_and_the_run_keeps_its_code(
    cli: Cli, gateway: FakeGateway, jaeger: FakeJaeger
) -> None:
    gateway.on("GET /stats/", Answer(503, {"status": 503, "title": "Away"}))
    jaeger.parts = [NOT_YET]
    code, shown = on_terminal(cli, "stats", "--trace", typed={"Waiting for the trace": CTRL_C})
    assert code == 7
    assert "Traceback" not in shown


def test_a_request_without_an_answer_is_waited_for(
    cli: Cli, gateway: FakeGateway, jaeger: FakeJaeger
) -> None:
    gateway.on("GET /stats/", None)
    jaeger.parts = [NOT_YET, lambda parent: jaeger_answer(span("a", parent, "p1", 0))]
    code, shown = on_terminal(cli, "stats", "--trace", TASKTRACKER_TIMEOUT="0.5")
    assert code == 7
    assert "traefik work of a" in CONTROL.sub("", shown)


def test_spans_that_come_after_the_gateways_are_waited_for(gateway: FakeGateway) -> None:
    trace = Trace()
    trace.requests = 1
    first = span("a", trace.parent, "p1", 0)
    whole = jaeger_answer(first, span("b", "a", "p2", 500))
    gateway.on(f"GET /api/traces/{trace.identifier}", NOT_YET, jaeger_answer(first), whole)
    assert len(Store(gateway.url).wait_for(trace, sending=INTERVAL)) == 2


def test_nothing_is_no_complete_trace() -> None:
    assert not hops.is_complete([], Trace().parent, 0)


def test_what_has_come_in_time_is_returned(gateway: FakeGateway) -> None:
    trace = Trace()
    trace.requests = 1
    part = jaeger_answer(span("c", "b", "p2", 700))
    gateway.on(f"GET /api/traces/{trace.identifier}", NOT_YET, part)
    store = Store(gateway.url)
    assert store.wait_for(trace, patience=0) == []
    assert [each.identifier for each in store.wait_for(trace, patience=0)] == ["c"]


def test_a_trace_is_complete_when_each_request_has_its_first_span(gateway: FakeGateway) -> None:
    trace = Trace()
    trace.requests = 2
    one = span("a", trace.parent, "p1", 0)
    both = jaeger_answer(one, span("b", trace.parent, "p1", 9))
    gateway.on(f"GET /api/traces/{trace.identifier}", jaeger_answer(one), both)
    assert len(Store(gateway.url).wait_for(trace, sending=0)) == 2


def test_spans_that_name_each_other_as_parents_do_not_hang_it() -> None:
    from rich.console import Console

    from tasktracker_cli.traces import tree

    looped = hops.read(jaeger_answer(span("a", "b", "p1", 0), span("b", "a", "p1", 0)).body)
    console = Console(width=80)
    with console.capture() as shown:
        console.print(tree.tree(looped))
    assert "2 spans" in shown.get()
