"""membership.limited_server: callers who hold connections, are slow, or speak no TLS."""

import os
import resource
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from cluster.tests.membership.conftest import First, Joins
from tasktracker_cluster.errors import RefusedJoinError, UnreachableFirstError
from tasktracker_cluster.machine import wait
from tasktracker_cluster.membership import limited_server

LIMIT_SECONDS = 120
HEADERS = b"POST /join HTTP/1.1\r\nContent-Length: 60000\r\n\r\n"


def connect(first: First) -> socket.socket:
    return socket.create_connection(("127.0.0.1", first.server.server_port), LIMIT_SECONDS)


def encrypted(first: First) -> ssl.SSLSocket:
    return ssl._create_unverified_context().wrap_socket(connect(first))


def has_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(65536) == b""
    except OSError:
        return True


def test_a_caller_that_holds_every_connection_gets_no_other_and_later_others_do(
    first: First, join: Joins
) -> None:
    with ExitStack() as held:
        for _ in range(limited_server.MOST_CONNECTIONS):
            held.enter_context(connect(first))
        with connect(first) as another:
            assert has_ended(another)
        with pytest.raises(UnreachableFirstError):
            join()
    wait.until("a free connection", lambda: can_join(join), LIMIT_SECONDS)


def can_join(join: Joins) -> bool:
    try:
        join()
    except UnreachableFirstError:
        return False
    return True


@pytest.mark.parametrize("arrives", [b"", HEADERS[:10], HEADERS], ids=["TLS", "headers", "body"])
def test_a_caller_that_sends_a_byte_now_and_then_is_cut_off(
    first: First, monkeypatch: pytest.MonkeyPatch, arrives: bytes
) -> None:
    monkeypatch.setattr(limited_server, "SECONDS", 0.5)
    with encrypted(first) if arrives else connect(first) as connection:
        connection.sendall(arrives or b"\x16\x03\x01\x02\x00")  # the start of a handshake
        ended = threading.Event()

        def drip() -> bool:
            try:
                connection.sendall(b"x")
            except OSError:
                ended.set()
            return ended.is_set()

        wait.until("the end of the connection", drip, LIMIT_SECONDS)


def test_the_first_machine_may_take_longer_for_its_answer(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited_server, "SECONDS", 0.5)

    def introduce(_: object) -> dict[str, str]:
        time.sleep(2 * limited_server.SECONDS)
        return {"JWT": "an introduction"}

    first.nomad.answers["/v1/acl/identity/client-introduction-token"] = introduce
    assert join().node.name == "node-2"


@contextmanager
def no_further_file() -> Iterator[None]:
    """Let this process open no other file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_without_a_free_descriptor_the_server_waits_and_then_goes_on(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited_server, "PAUSE_SECONDS", 0.5)
    attempts, accept = [], first.server.get_request

    def get_request() -> Any:
        attempts.append(1)
        return accept()

    monkeypatch.setattr(first.server, "get_request", get_request)
    with socket.socket() as client:
        with no_further_file():
            client.connect(("127.0.0.1", first.server.server_port))
            time.sleep(1.2)
        assert 1 <= len(attempts) <= 4
    join()


def test_a_refused_caller_leaves_no_line_in_the_log_and_a_refused_join_one(
    first: First, join: Joins, capfd: pytest.CaptureFixture[str]
) -> None:
    with connect(first) as garbage:
        garbage.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wait.until("the end", lambda: has_ended(garbage), LIMIT_SECONDS)
    for request in (b"x\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", HEADERS.replace(b"/join", b"/left")):
        with encrypted(first) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            wait.until("the end", lambda: has_ended(connection), LIMIT_SECONDS)
    assert capfd.readouterr().err == ""
    with pytest.raises(RefusedJoinError):
        join(name="A")
    (line,) = capfd.readouterr().err.splitlines()
    assert "refused to join: 'A' is no name" in line
