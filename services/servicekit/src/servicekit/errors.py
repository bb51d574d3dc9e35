"""Each error is answered as application/problem+json (RFC 9457), without internal details.

    ProblemError            an error that knows its problem type
    ├── Unauthenticated     401, WWW-Authenticate: Bearer
    ├── InsufficientScope   403
    └── ServiceUnavailable  503, Retry-After

A service's own errors know no status: `install` takes the table that gives each its type.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import problems
from servicekit.problems import ProblemType

_log = structlog.get_logger(__name__)


class ProblemError(Exception):
    """An error with its own problem type. Its text becomes the detail."""

    problem_type: ProblemType


class Unauthenticated(ProblemError):  # noqa: N818 - named after its answer
    """No token, or one that is not valid. The text never says why."""

    problem_type = problems.UNAUTHENTICATED

    def __init__(self, detail: str = "A valid access token is required.") -> None:
        super().__init__(detail)


class InsufficientScope(ProblemError):  # noqa: N818 - named after its answer
    """A personal access token without the scope that the call needs."""

    problem_type = ProblemType(403, "insufficient-scope", "Insufficient scope")


class ServiceUnavailable(ProblemError):  # noqa: N818 - named after its answer
    """Something that this service needs does not answer. `retry_after` is in seconds."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        headers = {"Retry-After": str(retry_after)}
        self.problem_type = replace(problems.SERVICE_UNAVAILABLE, headers=headers)


def install(app: FastAPI, problem_types: Mapping[type[Exception], ProblemType]) -> None:
    """Answer the framework's errors, servicekit's and those in `problem_types` as problems."""
    for error, problem_type in problem_types.items():
        app.add_exception_handler(error, _handler(problem_type))
    app.add_exception_handler(ProblemError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def answer(request: Request, error: Exception) -> Response:
    """Return the answer to an error of a route, as the framework does. Raise it if it has none."""
    handlers = request.app.exception_handlers
    for kind in type(error).__mro__:
        if handle := handlers.get(kind):
            response: Response = await handle(request, error)
            return response
    raise error


def _handler(problem_type: ProblemType) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        _log_failure(problem_type, error)
        return problems.response(problem_type, str(error), request.scope["path"])

    return handle


def _log_failure(problem_type: ProblemType, error: Exception) -> None:
    """Log one line, without a traceback, for an expected error of the server's side.

    It has the first line of the cause only: in a database driver's error the others have the
    statement.
    """
    if problem_type.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        cause = error.__cause__ or error
        text, *_ = str(cause).splitlines() or [""]
        _log.warning(
            problem_type.slug, error=type(error).__name__, cause=f"{type(cause).__name__}: {text}"
        )


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class only
    _log_failure(error.problem_type, error)
    return problems.response(error.problem_type, str(error), request.scope["path"])


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    return problems.response(
        problems.of_status(error.status_code, error.headers), error.detail, request.scope["path"]
    )


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return problems.response(
            problems.MALFORMED_JSON, "The body is not valid JSON.", request.scope["path"]
        )
    # Only names and messages, because the value may be a password.
    fields = [{"field": _field(each["loc"]), "message": each["msg"]} for each in found]
    detail = "Some fields are not valid; `errors` names them."
    return problems.response(problems.INVALID_REQUEST, detail, request.scope["path"], errors=fields)


def _field(location: tuple[str | int, ...]) -> str:
    """Return the name of a field: ("body", "title") is `title`, and ("body",) is `body`."""
    return ".".join(str(part) for part in location[1:] or location)


class CatchAllMiddleware:
    """Answers any other exception with a 500 inside the application.

    When an exception reaches uvicorn, uvicorn closes the connection. Then the next request that a
    proxy sends on that connection fails, and that is another user's.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def noting_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noting_start)
        except Exception:
            _log.exception("unhandled error")
            if started:  # Half the response is out. Only a closed connection tells the client.
                raise
            detail = "Something went wrong on our side."
            await problems.response(problems.of_status(500), detail, scope["path"])(
                scope, receive, send
            )
