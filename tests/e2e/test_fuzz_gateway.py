"""The gateway answers any request with a success or a problem, and goes on."""

from collections.abc import Iterator
from urllib.parse import quote_from_bytes

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.e2e import task_logs
from tests.raw_http import RawAnswer, hang_up, parse, send

EXAMPLES = 300
MORE = 3000

# The answers of Traefik's own HTTP server, as plain text or without a body, before it uses our
# configuration (docs/decisions/0033-edge-plugin.md). They have none of our headers.
NOT_HTTP = {
    400: "a malformed line, header, length, host or target, or a fragment in the target",
    417: "an unknown expectation",
    431: "headers of more than 16 KiB",
    501: "an unknown transfer encoding, or CONNECT",
    505: "an unknown version",
}
TLS_ALERT = b"\x15\x03"
ERROR_MARKS = ("Traceback", "panic", "goroutine ", "unhandled error")

PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
each_way = pytest.mark.parametrize(
    "examples",
    [
        pytest.param(settings(PATIENT, max_examples=EXAMPLES, derandomize=True), id="the same"),
        pytest.param(settings(PATIENT, max_examples=MORE), id="new", marks=pytest.mark.fuzz),
    ],
)


@pytest.fixture
def no_new_errors(cluster: ThrowawayCluster) -> Iterator[None]:
    """Check after the test that the gateway is healthy, and that no log has a new traceback."""
    cluster.settle()
    before = _error_lines(cluster)
    yield
    answer = httpx.get(f"{GATEWAY_URL}/health", trust_env=False, timeout=60)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert _error_lines(cluster) == before


def _error_lines(cluster: ThrowawayCluster) -> dict[str, list[str]]:
    task_logs.wait_until_written(cluster)
    lines = {
        path.name: [
            line
            for line in path.read_text(errors="replace").splitlines()
            if any(mark in line for mark in ERROR_MARKS)
        ]
        for path in task_logs.files(cluster)
    }
    return {name: found for name, found in lines.items() if found}


def assert_proper(answer: RawAnswer, *, bodiless: bool = False) -> None:
    """Check that the answer is a success, a problem with status 4xx, or one of NOT_HTTP."""
    if answer.status < 400:
        return
    if "x-content-type-options" not in answer.headers:
        assert answer.status in NOT_HTTP, answer
        return
    assert answer.status < 500, answer
    if bodiless:
        assert answer.headers["content-type"] == "application/problem+json", answer
    else:
        answer.problem()


segments = st.one_of(
    st.sampled_from(
        ["api", "v1", "auth", "tasks", "stats", "health", "live", "docs", "assets", "metrics",
         "openapi.json", "gateway-errors", "502", "1", "me", "login", "users", "%2f", "%2F", "%0a",
         "%00", "%7f", "%5c", "..", ".", "%2e%2e", "", "%25", "%252f", "%ff", ";", "@", "a" * 3000]
    ),
    st.binary(max_size=8).map(quote_from_bytes),
)  # fmt: skip
joints = st.sampled_from(["/", "/", "/", "//", "%2f", "/./", "/../", "\\", ""])


@st.composite
def paths(draw: st.DrawFn) -> str:
    pieces = draw(st.lists(st.tuples(joints, segments), max_size=6))
    known = draw(st.sampled_from(["", "/api/v1/tasks", "/api/v1/auth", "/api/v1/stats", "/docs"]))
    query = draw(st.sampled_from(["", "?", "?limit=1", "?limit=%0a", "?q=%ff", "?;", "?a=%zz&a"]))
    return known + "/" + "".join(joint + piece for joint, piece in pieces) + query


methods = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "FOO", "get"]
)
header_names = st.sampled_from(
    ["Accept", "Authorization", "Connection", "Content-Encoding", "Content-Type", "Cookie",
     "Expect", "Forwarded", "Idempotency-Key", "If-Match", "If-None-Match", "Origin", "Range",
     "TE", "Trailer", "Upgrade", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host",
     "X-Forwarded-Prefix", "X-Original-URL", "X-Request-ID", "X_Under",
     "Access-Control-Request-Method"]
)  # fmt: skip
header_values = st.one_of(
    st.sampled_from(
        ["", "close", "Upgrade", "websocket", "h2c", "100-continue", "Bearer x", "application/json",
         "*", '"1"', "gzip", "http://localhost:3000", "a" * 4000, "X-Request-ID", "\x80"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)  # fmt: skip
headers = st.lists(st.tuples(header_names, header_values), max_size=6)
bodies = st.one_of(st.just(b""), st.just(b"{}"), st.binary(max_size=200))


def _request(
    method: str, path: str, given: list[tuple[str, str]], body: bytes, *, last: bool = True
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost:8000"]
    lines += [f"{name}: {value}" for name, value in given]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    if last:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@each_way
def test_every_request_gets_a_success_or_a_problem(no_new_errors: None, examples: settings) -> None:
    @examples
    @given(methods, paths(), headers, bodies)
    def ask(method: str, path: str, given: list[tuple[str, str]], body: bytes) -> None:
        received = send(_request(method, path, given, body))
        head, _, rest = received.partition(b"\r\n\r\n")
        if method == "HEAD":
            (answer,) = parse(head.replace(b"Content-Length", b"Length") + b"\r\n\r\n")
            assert rest == b""
        else:
            (answer,) = parse(received)
        assert_proper(answer, bodiless=method == "HEAD")
        assert b"http_request_duration" not in received

    ask()


chunk_sizes = st.sampled_from(
    [
        b"0",
        b"2",
        b"5",
        b"05",
        b"5;a=b",
        b"-1",
        b"zz",
        b"",
        b"ffffffffffffffff",
        b"5 ",
        b"0x5",
        b"\n",
    ]
)
chunks = st.lists(st.tuples(chunk_sizes, st.binary(max_size=8)), max_size=4).map(
    lambda parts: b"".join(size + b"\r\n" + data + b"\r\n" for size, data in parts)
)
lengths = st.sampled_from(
    [
        b"0",
        b"2",
        b"5",
        b"-1",
        b"+2",
        b"2, 2",
        b"2, 3",
        b"0x2",
        b" 2",
        b"9" * 25,
        b"1048577",
        b"a",
        b"",
    ]
)
targets = st.sampled_from(
    [b"/api/v1/tasks/", b"/api/v1/auth/login", b"/", b"/nope", b"*", b"http://localhost/", b"a:1",
     b"/a#b", b"/a b", b"/%", b"/\x00", b"/\xff", b"//", b"?", b""]
)  # fmt: skip


encodings = st.sampled_from([b"chunked", b"chunked", b"gzip", b"x"])
odd_lines = st.sampled_from([b": a", b"a", b" folded", b"A: \x00", b"A B: c", b"A: b"])


@st.composite
def malformed(draw: st.DrawFn) -> bytes:
    """Return a request whose framing is wrong in one or more ways."""
    method = draw(st.sampled_from([b"GET", b"POST", b"PATCH", b"OPTIONS", b"CONNECT", b"F@", b""]))
    version = draw(st.sampled_from([b"HTTP/1.1"] * 5 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b""]))
    lines = [method + b" " + draw(targets) + b" " + version]
    lines += [b"Host: " + draw(st.sampled_from([b"localhost", b"localhost", b"", b"a b", b"\xff"]))]
    framing = draw(st.integers(0, 3))
    if framing & 1:
        lines.append(b"Content-Length: " + draw(lengths))
    if framing & 2:
        lines.append(b"Transfer-Encoding: " + draw(encodings))
    lines += draw(st.lists(odd_lines, max_size=1))
    end = draw(st.sampled_from([b"\r\n"] * 4 + [b"\n", b"\r"]))
    return end.join([*lines, b"", b""]) + draw(st.one_of(chunks, st.binary(max_size=40)))


@each_way
def test_malformed_and_pipelined_requests_get_a_proper_answer(
    no_new_errors: None, examples: settings
) -> None:
    whole = _request("GET", "/api/v1/tasks/1", [], b"", last=False)
    requests = st.one_of(malformed(), malformed(), st.just(whole), st.binary(max_size=60))

    @examples
    @given(st.lists(requests, min_size=1, max_size=3), st.booleans())
    def ask(parts: list[bytes], leave: bool) -> None:
        if leave:
            hang_up(b"".join(parts))
            return
        received = send(b"".join(parts), half_close=True)
        if received.startswith(TLS_ALERT):  # Traefik took the bytes for TLS
            return
        for answer in parse(received):
            assert_proper(answer)

    ask()
