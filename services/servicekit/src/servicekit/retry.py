"""A call that only reads is asked once more where its answer did not come through."""

import httpx

_SAFE = {"GET", "HEAD"}
_GATEWAY = {502, 503, 504}


class RetryTransport(httpx.AsyncBaseTransport):
    """Asks once more, where that is safe, after a broken connection or a proxy's own error.

    A sidecar answers 502, 503 or 504 for an instance that has just gone, and the next may take the
    call. A service that says Retry-After means it. Waiting for a free connection is not repeated.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def __aenter__(self) -> "RetryTransport":
        await self._inner.__aenter__()
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method not in _SAFE:
            return await self._inner.handle_async_request(request)
        try:
            response = await self._inner.handle_async_request(request)
        except httpx.PoolTimeout:
            raise
        except httpx.TransportError:
            return await self._inner.handle_async_request(request)
        if response.status_code not in _GATEWAY or "Retry-After" in response.headers:
            return response
        await response.aclose()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
