"""One retry of calls that failed, where a retry is safe."""

import httpx

_SAFE = {"GET", "HEAD"}
_GATEWAY = {502, 503, 504}


class RetryTransport(httpx.AsyncBaseTransport):
    """Repeats a call once after a broken connection or an error of a proxy.

    That is safe for a call that only reads, and for any call whose connection could not be opened,
    because then nothing was sent.

    A sidecar answers 502, 503 or 504 if the instance has just gone, and another instance may take
    the call. An answer with Retry-After comes from the service itself, and is not repeated. Nor is
    the wait for a free connection.
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
