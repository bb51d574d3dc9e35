"""A synchronous HTTP client that calls an ASGI application in this process.

Starlette's TestClient would do, but warns that it wants another HTTP library.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from servicekit.testing.endpoints import SEEN


class _PortalTransport(httpx.BaseTransport):
    """Hands each request to the application on the portal's event loop."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self.portal = portal
        self.transport = httpx.ASGITransport(SEEN.watching(app))

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
    """The way to the app, for any number of clients; its lifespan runs as long as the block."""
    with start_blocking_portal() as portal:
        lifespan = app.router.lifespan_context(app)
        with portal.wrap_async_context_manager(lifespan):
            yield _PortalTransport(app, portal)


@contextmanager
def running(app: FastAPI) -> Iterator[httpx.Client]:
    """A client for the app, whose lifespan runs as long as the block."""
    with transport(app) as way, httpx.Client(transport=way, base_url="http://test") as client:
        yield client
