"""Headers of every response: the request's id, and Cache-Control."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import request_id

_CACHE_CONTROL = b"cache-control"
_NO_STORE = (_CACHE_CONTROL, b"no-store")


class HeadersMiddleware:
    """Adds the request's id to each response, and keeps it out of caches.

    A response is about its caller, and tokens must not be cached at all (RFC 6749, section 5.1).
    A route that sets Cache-Control itself keeps its own. A client can still keep an ETag itself and
    ask with If-None-Match.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        header = request_id.identify(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [each for each in message["headers"] if each[0] != header[0]]
                headers.append(header)
                if _CACHE_CONTROL not in [name for name, _ in headers]:
                    headers.append(_NO_STORE)
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_with_headers)
