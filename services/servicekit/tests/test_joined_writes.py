"""How a response is written to its connection."""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from servicekit.joined_writes import LIMIT, JoinedWrites
from servicekit.testing import live_server

pytestmark = pytest.mark.anyio
PART = b"0123456789" * 1_000
PARTS = 50


class Recorder(asyncio.Transport):
    """A transport that keeps what happens to it."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.events.append(bytes(data))

    def close(self) -> None:
        self.events.append("closed")


async def write(*calls: Callable[[JoinedWrites], None]) -> Recorder:
    """Make the calls, each in a turn of the event loop of its own."""
    recorder = Recorder()
    writes = JoinedWrites(recorder, asyncio.get_running_loop())
    for call in calls:
        call(writes)
        await asyncio.sleep(0)
    return recorder


def two(writes: JoinedWrites) -> None:
    writes.write(b"head")
    writes.write(bytearray(b"body"))


async def test_what_is_written_in_one_turn_is_one_write() -> None:
    assert (await write(two, lambda _: None, two)).events == [b"headbody", b"headbody"]


async def test_nothing_waits_for_another_turn() -> None:
    recorder = await write(lambda w: w.write(b"head"), lambda w: w.write(b"body"))
    assert recorder.events == [b"head", b"body"]


async def test_what_waits_is_written_before_the_end() -> None:
    def end(writes: JoinedWrites) -> None:
        two(writes)
        writes.close()

    assert (await write(end)).events == [b"headbody", "closed"]


async def test_much_does_not_wait() -> None:
    sent: list[bytes | str] = []

    def much(writes: JoinedWrites) -> None:
        writes.write(b"head")
        writes.write(b"x" * LIMIT)
        sent.extend(writes._transport.events)  # type: ignore[attr-defined]

    await write(much)
    assert sent == [b"head" + b"x" * LIMIT]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def exchange(port: int, *requests: bytes) -> bytes:
    """Send the parts, each when something has answered the one before. Return all answers."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for request in requests:
            connection.sendall(request)
            answer += connection.recv(65_536)
        while part := connection.recv(65_536):
            answer += part
    return answer


def test_a_long_stream_arrives_whole_and_in_order(app: FastAPI) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(PARTS):
            yield b"%04d" % number + PART

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(parts(), headers={"Content-Length": str(PARTS * (4 + len(PART)))})

    with live_server.serving(app) as port:
        answer = exchange(port, b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert answer.partition(b"\r\n\r\n")[2] == b"".join(b"%04d" % n + PART for n in range(PARTS))


def test_a_client_that_asks_first_is_told_to_go_on(app: FastAPI) -> None:
    @app.post("/echo")
    async def echo(request: Request) -> Any:
        return (await request.body()).decode()

    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n"
    with live_server.serving(app) as port:
        answer = exchange(port, head + b"Expect: 100-continue\r\n\r\n", b"hi")

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert answer.endswith(b'"hi"')


GET = b"GET /answer HTTP/1.1\r\nHost: x\r\n\r\n"


def test_an_answer_arrives_at_a_client_that_sends_no_more(app: FastAPI) -> None:
    with live_server.serving(app) as port, connected(port) as connection:

        @app.get("/answer")
        async def answer() -> Response:
            # The server is told of it in its next turn, before what waits is sent.
            connection.shutdown(socket.SHUT_WR)
            return Response("all of it")

        connection.sendall(GET)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert received.endswith(b"\r\n\r\nall of it")


def test_a_client_that_resets_the_connection_is_no_error(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    answered = threading.Event()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with live_server.serving(app) as port, connected(port) as connection, ours, theirs:

        def send_both() -> None:
            """Give the server two things to find in one turn: what it waits for, and the reset."""
            theirs.send(b"x")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        @app.get("/answer")
        async def answer() -> Response:
            loop = asyncio.get_running_loop()
            loop.call_soon(send_both)
            await loop.sock_recv(ours, 1)
            loop.call_later(0, answered.set)
            return Response("for nobody")

        connection.sendall(GET)
        assert answered.wait(30)

    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def test_requests_of_one_packet_are_answered_in_order(app: FastAPI) -> None:
    requests = b"".join(
        b"GET /notes/%d HTTP/1.1\r\nHost: x\r\nConnection: %s\r\n\r\n" % each
        for each in ((1, b"keep-alive"), (2, b"keep-alive"), (3, b"close"))
    )
    with live_server.serving(app) as port:
        answer = exchange(port, requests)

    assert [part[:1] for part in answer.split(b"\r\n\r\n")[1:]] == [b"1", b"2", b"3"]
