"""A client for the one call that a service makes for each of its own requests.

It gives a request to the transports itself. httpx's client would first merge headers, cookies,
parameters, redirects and authentication, of which such a call has none, and then look for what to
decode: half of the processor time of a call (docs/decisions/0076-direct-calls.md).
"""

from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import httpx

from servicekit import request_id

_NOTHING = httpx.ByteStream(b"")  # the body of a GET


class Answer(Protocol):
    """What a caller reads of an answer."""

    @property
    def status_code(self) -> int: ...

    @property
    def content(self) -> bytes: ...


class Getter(Protocol):
    """Sends GET: an httpx.AsyncClient, or a DirectClient."""

    @property
    def base_url(self) -> httpx.URL: ...

    async def get(self, url: httpx.URL, *, headers: Mapping[str, str]) -> Answer: ...


class _Content(NamedTuple):
    status_code: int
    content: bytes


class DirectClient:
    """Sends the one GET that a service makes for each of its own requests.

    `timeout` is in seconds. Open it as a context, in the event loop that uses it.
    """

    def __init__(self, base_url: str, timeout: float, transport: httpx.AsyncBaseTransport) -> None:
        self.base_url = httpx.URL(base_url)
        self._extensions = {"timeout": httpx.Timeout(timeout).as_dict()}
        self._transport = transport

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._transport.__aexit__(kind, error, traceback)

    async def get(self, url: httpx.URL, *, headers: Mapping[str, str]) -> Answer:
        """Return the whole answer. Raises httpx.TransportError."""
        sent = {"Host": url.netloc.decode(), **headers}
        if identifier := request_id.current():
            sent[request_id.HEADER] = identifier
        # With a stream, httpx adds no header and reads no body.
        request = httpx.Request(
            "GET", url, headers=sent, stream=_NOTHING, extensions=self._extensions
        )
        answer = await self._transport.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101 - of such a transport
        # Nothing to decode: the request accepts no encoding.
        return _Content(answer.status_code, b"".join([part async for part in answer.stream]))
