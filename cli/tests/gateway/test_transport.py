"""HTTP as the program speaks it, against servers that do odd things."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cli.tests.conftest import Answer, Cli, FakeGateway
from tasktracker_cli.address import Gateway
from tasktracker_cli.errors import BadAnswerError, CliError, UnavailableError, UsageError
from tasktracker_cli.gateway import transport
from tasktracker_cli.gateway.transport import Exchange, Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def server(
    *connections: bytes | Callable[[socket.socket], None],
) -> Iterator[tuple[int, list[bytes]]]:
    """Answer each connection's first request with bytes; give the port and what was asked."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)  # a connection that never comes is a failure, not a wait without end

    def serve() -> None:
        for connection in connections:
            with listener.accept()[0] as peer:
                asked.append(peer.recv(65536))
                if callable(connection):
                    connection(peer)
                else:
                    peer.sendall(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], asked
    finally:
        thread.join()
        listener.close()


def client(port: int, timeout: float = 5) -> Transport:
    return Transport(Gateway("http", "127.0.0.1", port), timeout)


def get(used: Transport) -> transport.Answer:
    return used.request("GET", "/api/v1/tasks/", None, {})


def test_one_connection_serves_many_requests(gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[]))
    seen: list[Exchange] = []
    with closing(Transport(Gateway.parse(gateway.url), 5, seen.append)) as kept:
        assert [get(kept).json() for _ in range(3)] == [[], [], []]
    assert [(one.method, one.path, one.status) for one in seen] == [
        ("GET", "/api/v1/tasks/", 200)
    ] * 3


def test_a_connection_that_the_gateway_closed_is_opened_again() -> None:
    with server(OK, OK) as (port, asked), closing(client(port)) as kept:
        assert get(kept).status == 200
        assert get(kept).status == 200
        assert len(asked) == 2


def _leaves_at_the_second_request(peer: socket.socket) -> None:
    peer.sendall(OK)
    peer.recv(65536)


def test_a_read_on_a_connection_that_ends_just_then_is_asked_again() -> None:
    with server(_leaves_at_the_second_request, OK) as (port, _), closing(client(port)) as kept:
        assert get(kept).status == 200
        assert get(kept).status == 200


def test_a_read_that_is_asked_again_is_counted_once_and_one_without_a_connection_not() -> None:
    sent: list[None] = []
    with server(_leaves_at_the_second_request, OK) as (port, _):
        gateway = Gateway("http", "127.0.0.1", port)
        with closing(Transport(gateway, 5, sending=lambda: sent.append(None))) as kept:
            get(kept)
            get(kept)
    assert len(sent) == 2
    with pytest.raises(UnavailableError):
        get(Transport(Gateway("http", "127.0.0.1", 1), 5, sending=lambda: sent.append(None)))
    assert len(sent) == 2


def test_a_change_on_a_connection_that_ends_just_then_is_not_made_again() -> None:
    with server(_leaves_at_the_second_request) as (port, _), closing(client(port)) as kept:
        assert get(kept).status == 200
        with pytest.raises(UnavailableError, match="closed the connection"):
            kept.request("POST", "/api/v1/tasks/", b"{}", {})


def test_a_read_on_a_new_connection_is_not_asked_again() -> None:
    with (
        server(b"") as (port, asked),
        pytest.raises(UnavailableError, match="closed the connection"),
    ):
        get(client(port))
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200,
    ],
)
def test_an_answer_that_is_no_http_is_unavailable(answer: bytes) -> None:
    with (
        server(answer) as (port, _),
        pytest.raises(UnavailableError, match="closed the connection"),
    ):
        get(client(port))


def test_a_gateway_that_stops_in_the_middle_is_too_slow() -> None:
    ended = threading.Event()

    def half(peer: socket.socket) -> None:
        peer.sendall(OK[:-1])
        ended.wait(10)

    with server(half) as (port, _):
        with pytest.raises(UnavailableError, match=r"within 0\.2 s"):
            get(client(port, timeout=0.2))
        ended.set()


def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST", 1)
    with server(OK) as (port, _), pytest.raises(BadAnswerError, match="too long"):
        get(client(port))


def test_a_header_on_several_lines_is_one_list() -> None:
    several = OK.replace(b"\r\n\r\n", b'\r\nLink: <a>; rel="prev"\r\nLINK: <b>; rel="next"\r\n\r\n')
    with server(several) as (port, _), closing(client(port)) as used:
        assert get(used).headers["link"] == '<a>; rel="prev", <b>; rel="next"'


def test_an_unknown_host_cannot_be_reached() -> None:
    nowhere = Transport(Gateway("http", "nowhere.invalid", 80), 5)
    with pytest.raises(UnavailableError, match="cannot be reached"):
        get(nowhere)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a self-signed certificate for 127.0.0.1."""
    file = tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command, *names, "-keyout", file, "-out", tmp_path / "public.pem"],
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + (tmp_path / "public.pem").read_text())
    return file


def test_https_checks_the_certificate(
    gateway: FakeGateway, isolated: Cli, certificate: Path
) -> None:
    gateway.on("GET /auth/me", Answer(body={"username": "ada", "email": "ada@example.com"}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    gateway.encrypt(context)
    url = gateway.url.replace("http:", "https:")
    done = isolated("--url", url, "whoami", TASKTRACKER_TOKEN="t")
    assert done.returncode == 7
    assert "certificate" in done.stderr
    assert gateway.requests == []
    trusted = isolated(
        "--url", url, "whoami", TASKTRACKER_TOKEN="t", SSL_CERT_FILE=str(certificate)
    )
    assert trusted.returncode == 0
    assert gateway.requests[0].headers["authorization"] == "Bearer t"


def test_a_proxy_carries_requests_to_gateways_elsewhere(isolated: Cli) -> None:
    with server(OK) as (port, asked):
        proxy = f"http://user:p%20w@127.0.0.1:{port}"
        url = ["--url", "http://tasks.example.com:8000"]
        done = isolated(*url, "whoami", "--json", TASKTRACKER_TOKEN="t", http_proxy=proxy)
    assert done.returncode == 0
    lines = asked[0].decode().splitlines()
    assert lines[0] == "GET http://tasks.example.com:8000/api/v1/auth/me HTTP/1.1"
    assert "Host: tasks.example.com:8000" in lines
    assert "Proxy-Authorization: Basic dXNlcjpwIHc=" in lines


def test_https_goes_through_a_tunnel_and_the_proxy_sees_no_token(isolated: Cli) -> None:
    with server(b"HTTP/1.1 403 Forbidden\r\n\r\n") as (port, asked):
        proxy = {"HTTPS_PROXY": f"http://127.0.0.1:{port}"}
        url = ["--url", "https://tasks.example.com"]
        done = isolated(*url, "whoami", TASKTRACKER_TOKEN="secret", **proxy)
    assert done.returncode == 7
    assert asked[0].startswith(b"CONNECT tasks.example.com:443 HTTP/1")
    assert b"secret" not in asked[0]


@pytest.mark.parametrize("url", ["http://localhost:9", "http://127.0.0.1:9", "http://[::1]:9"])
def test_this_machine_needs_no_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    with pytest.raises(UnavailableError, match=r"refused|unreachable|assign"):
        get(Transport(Gateway.parse(url), 5))


def test_no_proxy_leaves_a_gateway_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://proxy.invalid:1")
    with pytest.raises(UsageError, match="not an http"):
        Transport(Gateway("http", "tasks.invalid", 80), 5)
    monkeypatch.setenv("no_proxy", "invalid")
    with pytest.raises(CliError, match="cannot be reached"):
        get(Transport(Gateway("http", "tasks.invalid", 80), 5))
