"""A limit on the size of request bodies."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import problems

DEFAULT_LIMIT = 1024 * 1024  # bytes
TOO_LARGE = problems.of_status(413)


class BodyLimitMiddleware:
    """Refuses a body over `limit` bytes with 413, from its Content-Length or while it is read."""

    def __init__(self, app: ASGIApp, limit: int = DEFAULT_LIMIT) -> None:
        self.app = app
        self.limit = limit
        self.detail = f"A request body may have at most {limit} bytes."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = next((v for name, v in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared[:20]) > self.limit:
            answer = problems.response(TOO_LARGE, self.detail, scope["path"])
            await answer(scope, receive, send)
            return
        received = 0

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                # The handlers inside the application turn it into the same problem.
                raise HTTPException(TOO_LARGE.status, self.detail)
            return message

        await self.app(scope, counting, send)
