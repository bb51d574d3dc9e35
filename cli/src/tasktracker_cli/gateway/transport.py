"""HTTP to one gateway over the standard library: one connection, kept open.

Small on purpose: a client library takes longer to load than a command takes to run
(docs/decisions/0018-standard-http.md). Redirects are answers like any other.
"""

from __future__ import annotations

import json
import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, IncompleteRead
from types import MappingProxyType
from typing import Any

from tasktracker_cli.address import Gateway
from tasktracker_cli.errors import BadAnswerError, UnavailableError
from tasktracker_cli.gateway import route

LARGEST = 64 * 1024 * 1024  # bytes of one answer


@dataclass(frozen=True)
class Answer:
    """What the gateway answered; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the body's value. Raises ValueError or RecursionError if it is not JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Exchange:
    """What `--verbose` shows of a request: nothing of its headers or body but its id."""

    method: str
    path: str
    status: int
    milliseconds: float
    request_id: str


class Transport:
    """Sends requests to one gateway, each with `headers`.

    `observe` is called after each exchange, and `sending` before each request, once there is a
    connection: such a request may get no answer.
    `timeout` is in seconds, for each step of an exchange.
    """

    def __init__(
        self,
        gateway: Gateway,
        timeout: float,
        observe: Callable[[Exchange], None] = lambda _: None,
        headers: Mapping[str, str] = MappingProxyType({}),
        sending: Callable[[], None] = lambda: None,
    ) -> None:
        self._gateway = gateway
        self._timeout = timeout
        self._observe = observe
        self._headers = headers
        self._sending = sending
        self._route = route.to(gateway, timeout)

    @property
    def origin(self) -> str:
        return self._gateway.origin

    def request(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Exchange a request for an answer. Raises UnavailableError if there is none."""
        began = time.monotonic()
        answer = self._exchange(method, path, content, headers)
        elapsed = (time.monotonic() - began) * 1000
        request_id = answer.headers.get("x-request-id", "-")
        self._observe(Exchange(method, path, answer.status, elapsed, request_id))
        return answer

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._route.connection.close()

    def _exchange(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        again: bool = False,
    ) -> Answer:
        kept = self._route.connection.sock is not None
        connection = self._connected()
        if not again:
            self._sending()
        try:
            target = f"{self._route.prefix}{path}"
            sent = {**self._route.headers, **self._headers, **headers}
            connection.request(method, target, content, sent)
            return _read(connection)
        except TimeoutError:
            connection.close()
            raise self._too_slow() from None
        except (OSError, HTTPException) as error:
            connection.close()
            # The gateway may end a connection that was idle just when it is used again.
            if kept and method == "GET":
                return self._exchange(method, path, content, headers, again=True)
            raise UnavailableError(
                f"The gateway at {self.origin} closed the connection: {_reason(error)}.",
                "Try again in a moment.",
            ) from None

    def _connected(self) -> HTTPConnection:
        """Return the connection, opened again if the gateway has closed it meanwhile."""
        connection = self._route.connection
        # No request is open: if there is something to read, the gateway has closed the connection.
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()
        if connection.sock is not None:
            return connection
        try:
            connection.connect()
        except TimeoutError:
            raise self._too_slow() from None
        except (OSError, HTTPException) as error:
            raise UnavailableError(
                f"The gateway at {self.origin} cannot be reached: {_reason(error)}.",
                "Start it with ./just up, or give another address with --url or TASKTRACKER_URL.",
            ) from None
        return connection

    def _too_slow(self) -> UnavailableError:
        return UnavailableError(
            f"The gateway at {self.origin} did not answer within {self._timeout:g} s.",
            "Try again in a moment; TASKTRACKER_TIMEOUT sets how long to wait.",
        )


def _read(connection: HTTPConnection) -> Answer:
    with connection.getresponse() as response:
        body = response.read(LARGEST + 1)
        if len(body) > LARGEST:
            connection.close()
            raise BadAnswerError(
                "The gateway's answer is too long.", "Ask for less, for example with --limit."
            )
        if response.length:
            raise IncompleteRead(body, response.length)
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            name = name.lower()
            # One header on several lines is a list (RFC 9110, section 5.2).
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Answer(response.status, headers, body)


def _reason(error: Exception) -> str:
    reason = getattr(error, "verify_message", "") or getattr(error, "strerror", None) or str(error)
    return str(reason) or type(error).__name__
