"""A synchronous HTTP client that calls an ASGI application in this process.

Starlette's TestClient warns that it needs another HTTP library.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from servicekit.testing.endpoints import ANSWERS


class _PortalTransport(httpx.BaseTransport):
    """Hands each request to the application on the portal's event loop."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self.portal = portal
        self.transport = httpx.ASGITransport(ANSWERS.recording(app))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        request.stream = httpx.ByteStream(request.content)
        return self.portal.call(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self.transport.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101 - narrows the type
        content = b"".join([chunk async for chunk in answer.stream])
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content)
        )


@contextmanager
def transport(app: FastAPI) -> Iterator[httpx.BaseTransport]:
    """Yield a transport to the app for any number of clients. The lifespan is the block's."""
    with start_blocking_portal() as portal:
        lifespan = app.router.lifespan_context(app)
        with portal.wrap_async_context_manager(lifespan):
            yield _PortalTransport(app, portal)


@contextmanager
def running(app: FastAPI) -> Iterator[httpx.Client]:
    """Yield a client of the app, whose lifespan is the block's."""
    with (
        transport(app) as network,
        httpx.Client(transport=network, base_url="http://test") as client,
    ):
        yield client
