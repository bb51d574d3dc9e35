"""Raw bytes to and from the gateway, for requests that no HTTP client sends."""

import json
import socket
from dataclasses import dataclass
from typing import Any

HOST, PORT = "127.0.0.1", 8000
LIMIT_SECONDS = 90  # the gateway aborts an incomplete request after 30


@dataclass(frozen=True)
class RawAnswer:
    """One answer. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """Return the body as a problem. Raises AssertionError if it is not one."""
        assert self.headers["content-type"] == "application/problem+json", self
        problem: dict[str, Any] = json.loads(self.body)
        assert problem["status"] == self.status, self
        assert problem["request_id"] == self.headers["x-request-id"], self
        return problem


def send(data: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes over one connection, and return all received bytes until it is closed.

    `half_close`: shut the sending side down, and go on receiving.
    """
    with socket.create_connection((HOST, PORT), timeout=LIMIT_SECONDS) as connection:
        received = b""
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                received += part
        except ConnectionError:  # the gateway closed it before it had read all
            pass
        return received


def hang_up(data: bytes) -> None:
    """Send bytes, and close the connection without reading."""
    with socket.create_connection((HOST, PORT), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(data)


def parse(received: bytes) -> list[RawAnswer]:
    """Parse the answers on one connection. Raises AssertionError if they are not complete HTTP."""
    answers = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, received
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1."), first
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        status = int(first.split(" ")[1])
        if status == 100:
            continue
        body, received = _body(headers, received)
        answers.append(RawAnswer(status, headers, body))
    return answers


def _body(headers: dict[str, str], rest: bytes) -> tuple[bytes, bytes]:
    """Return the body of an answer, and the bytes after it."""
    if "content-length" in headers:
        length = int(headers["content-length"])
        assert len(rest) >= length, rest
        return rest[:length], rest[length:]
    if headers.get("transfer-encoding") != "chunked":
        return (b"", rest) if headers.get("connection") != "close" else (rest, b"")
    body = b""
    while True:
        size, separator, rest = rest.partition(b"\r\n")
        assert separator, rest
        length = int(size, 16)
        body, rest = body + rest[:length], rest[length + 2 :]
        if not length:
            return body, rest
