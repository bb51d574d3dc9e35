"""A call is made once more where it did not come through, and doing so is safe."""

import httpx

_SAFE = {"GET", "HEAD"}
_GATEWAY = {502, 503, 504}


class RetryTransport(httpx.AsyncBaseTransport):
    """Asks once more after a broken connection or a proxy's own error.

    That is safe for what only reads, and for any call whose connection could not be opened:
    nothing was sent.

    A sidecar answers 502, 503 or 504 for an instance that has just gone, and the next may take the
    call. A service that says Retry-After means it. Waiting for a free connection is not repeated.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def __aenter__(self) -> "RetryTransport":
        await self._inner.__aenter__()
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_safe = request.method in _SAFE
        try:
            response = await self._inner.handle_async_request(request)
        except httpx.PoolTimeout:
            raise
        except httpx.TransportError as error:
            if not is_safe and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                raise
            return await self._inner.handle_async_request(request)
        if not is_safe or response.status_code not in _GATEWAY or "Retry-After" in response.headers:
            return response
        await response.aclose()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
