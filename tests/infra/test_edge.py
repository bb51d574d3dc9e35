"""Traefik with our configuration before one small server, without a cluster."""

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.namespaces import network_namespace
from tests.infra.reading import ROOT
from tests.raw_http import hang_up, parse, send

GATEWAY = "http://127.0.0.1:8000"
SERVER_PORT = 8002
START_LIMIT = 180  # seconds
BODY_LIMIT = 1048576
HEAD = b"Host: localhost\r\n"


class Server(BaseHTTPRequestHandler):
    """Answers each request with its body, and with headers that name the programs behind."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        for name in ("Attempt-Count", "Decorator-Operation", "Upstream-Service-Time"):
            self.send_header(f"X-Envoy-{name}", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):
            self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def traefik(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run Traefik as in ./just dev with a route to one server, and give its log."""
    folder = tmp_path_factory.mktemp("traefik")
    static = yaml.safe_load((ROOT / "traefik" / "dev.yml").read_text())
    dynamic = yaml.safe_load((ROOT / "traefik" / "dynamic.yml").read_text())
    static["providers"] = {"file": {"filename": str(folder / "dynamic.yml")}}
    address = {"url": f"http://127.0.0.1:{SERVER_PORT}"}
    dynamic["http"]["services"]["tasks"] = {"loadBalancer": {"servers": [address]}}
    route = {"rule": "PathPrefix(`/tasks`)", "service": "tasks", "entryPoints": ["web"]}
    dynamic["http"]["routers"]["tasks"] = route
    (folder / "dynamic.yml").write_text(yaml.safe_dump(dynamic))
    (folder / "static.yml").write_text(yaml.safe_dump(static))
    program = Path(sys.executable).with_name("traefik")
    log = folder / "log"
    with network_namespace(), log.open("w") as output:
        server = ThreadingHTTPServer(("127.0.0.1", SERVER_PORT), Server)
        threading.Thread(target=server.serve_forever).start()
        command: list[str | Path] = [program, f"--configFile={folder / 'static.yml'}"]
        process = subprocess.Popen(command, cwd=ROOT / "traefik", stdout=output, stderr=output)
        try:
            wait.until("Traefik", _answers, START_LIMIT)
            yield log
        finally:
            process.kill()
            process.wait()
            server.shutdown()
            server.server_close()


def _answers() -> bool:
    try:
        return ask("GET", "/tasks").status_code == 200
    except httpx.TransportError:
        return False


def ask(method: str, path: str, **options: Any) -> httpx.Response:
    with httpx.Client(base_url=GATEWAY, trust_env=False, timeout=60) as client:
        return client.request(method, path, **options)


def assert_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["QUERY", "FOO", "TRACE", "PROPFIND", "get"])
def test_an_unknown_method_is_a_405_that_names_the_known_ones(traefik: Path, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=60)
    connection.request(method, "/tasks/1", headers={"X-Request-ID": "mine"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (405, "application/problem+json")
    assert answer.headers["Allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    assert answer.headers["X-Request-ID"] == "mine"
    connection.close()


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/metrics/", "/%6detrics", "//metrics", "/a/../metrics", "/metrics?a=b",
     "/gateway-errors/502", "/gateway-errors", "/gateway%2Derrors/502"],
)  # fmt: skip
def test_an_internal_path_is_not_found(traefik: Path, path: str) -> None:
    (answer,) = parse(send(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()))
    assert (answer.status, answer.problem()["detail"]) == (404, "There is no such path.")


@pytest.mark.parametrize("path", ["/api/v1/tasks/", "/", "/health"])
def test_without_an_instance_the_answer_is_a_503_with_retry_after(traefik: Path, path: str) -> None:
    answer = ask("POST", path, json={})
    assert_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["instance"] == path


def test_no_answer_names_the_programs_behind_the_gateway(traefik: Path) -> None:
    answers = [ask("GET", "/tasks"), ask("GET", "/metrics"), ask("POST", "/", content=b"a")]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith(("server", "x-envoy"))]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("length", [0, 1, BODY_LIMIT])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_up_to_the_limit_is_passed_on_whole(
    traefik: Path, length: int, announced: bool
) -> None:
    body = b"x" * length
    answer = ask("POST", "/tasks", content=body if announced else iter([body]))
    assert (answer.status_code, answer.content) == (200, body)


@pytest.mark.parametrize("announced", [True, False])
def test_a_longer_body_is_a_413(traefik: Path, announced: bool) -> None:
    body = b"x" * (BODY_LIMIT + 1)
    assert_problem(ask("POST", "/tasks", content=body if announced else iter([body])), 413)


CHUNKED = b"POST /tasks HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n", b"5\r\nabc\r\n0\r\n\r\n", b"-1\r\n", b"3\r\nabcdef\r\n", b"f" * 17 + b"\r\n"],
)
def test_malformed_chunks_are_a_400(traefik: Path, body: bytes) -> None:
    (answer,) = parse(send(CHUNKED + body))
    assert answer.status == 400
    assert "malformed" in answer.problem()["detail"]


@pytest.mark.parametrize(
    "head",
    [CHUNKED + b"5\r\nab", b"POST /tasks HTTP/1.1\r\n" + HEAD + b"Content-Length: 9\r\n\r\nab"],
)
def test_a_body_that_is_cut_off_is_a_400(traefik: Path, head: bytes) -> None:
    (answer,) = parse(send(head, half_close=True))
    assert answer.status == 400
    answer.problem()


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_client_that_half_closes_its_connection_gets_the_whole_answer(
    traefik: Path, method: bytes
) -> None:
    request = method + b" /tasks HTTP/1.1\r\n" + HEAD + b"Content-Length: 3\r\n\r\nabc"
    for _ in range(100):
        (answer,) = parse(send(request, half_close=True))
        assert (answer.status, answer.body) == (200, b"abc")


def test_a_client_that_hangs_up_causes_no_panic(traefik: Path) -> None:
    for _ in range(100):
        hang_up(b"GET /tasks HTTP/1.1\r\n" + HEAD + b"\r\n")
        hang_up(CHUNKED + b"5\r\nab")

    assert ask("GET", "/tasks").status_code == 200
    assert "panic" not in traefik.read_text()
