"""A transport for httpx over aiohttp's connections.

Services call httpx, and only its transport is replaced. httpx's own, httpcore, checks all idle
connections for each request: with 16 requests at once a call took 1,500 µs of processor time, and
takes 200 over aiohttp (docs/decisions/0022-aiohttp-below-httpx.md).
"""

import asyncio
from functools import lru_cache

import aiohttp
import httpx
from yarl import URL

CONNECTIONS = 50  # at most, from one process to another service
KEEP_ALIVE = 60.0  # seconds: less than the 75 after which servicekit.server closes an idle one

# The first that fits counts. Only ConnectError and ConnectTimeout mean that nothing was sent, which
# discovery and retries rely on.
_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ClientConnectorCertificateError, httpx.ConnectError),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientOSError, httpx.ReadError),
    (aiohttp.ClientError, httpx.NetworkError),
)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Open it as a context, in the event loop that uses it. It reads each response whole.

    It keeps httpx's time limits except `write`. Raises httpx.TransportError and nothing else.
    """

    def __init__(self, connections: int = CONNECTIONS) -> None:
        # Not the connector's own limit: its time-out looks like a server that cannot be reached.
        self._free = asyncio.Semaphore(connections)

    async def __aenter__(self) -> "AiohttpTransport":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
            # httpx does these itself.
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        seconds = request.extensions["timeout"]
        await self._acquire(seconds["pool"])
        try:
            return await self._send(request, _limits(seconds["connect"], seconds["read"]))
        except aiohttp.ClientError as error:
            raise _translated(error) from error
        finally:
            self._free.release()

    async def aclose(self) -> None:
        await self._session.close()

    async def _send(self, request: httpx.Request, limits: aiohttp.ClientTimeout) -> httpx.Response:
        async with self._session.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
            data=await request.aread() or None,
            timeout=limits,
            allow_redirects=False,
        ) as answer:
            body = httpx.ByteStream(await answer.read())
            # With `content` httpx would decode it here, for each caller: 12 µs.
            return httpx.Response(answer.status, headers=answer.raw_headers, stream=body)

    async def _acquire(self, limit: float | None) -> None:
        """Wait until a connection may be used, for at most so many seconds."""
        if not self._free.locked():  # A time limit would cost more than the semaphore.
            await self._free.acquire()
            return
        try:
            await asyncio.wait_for(self._free.acquire(), limit)
        except TimeoutError:
            raise httpx.PoolTimeout("all connections are busy") from None


@lru_cache
def _limits(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)


def _translated(error: aiohttp.ClientError) -> httpx.TransportError:
    kind = next(ours for theirs, ours in _ERRORS if isinstance(error, theirs))
    return kind(str(error) or type(error).__name__)
