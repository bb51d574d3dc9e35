"""Every error leaves as application/problem+json (RFC 9457), and nothing else leaves with it.

    ProblemError            an error that knows its own kind
    ├── Unauthenticated     401, WWW-Authenticate: Bearer
    ├── InsufficientScope   403
    └── ServiceUnavailable  503, Retry-After

A service's own errors know no status: `install` takes the table that gives each its Kind.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import request_id

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Kind:
    """What all problems of one sort share. `detail` replaces the exception's own text."""

    status: int
    slug: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: str | None = None


# RFC 9110 names these differently from Python 3.11.
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


def standard(status: int, headers: Mapping[str, str] | None = None) -> Kind:
    """The kind of a bare HTTP status: 404 is `/problems/not-found`."""
    phrase = _RENAMED.get(status) or HTTPStatus(status).phrase
    return Kind(status, phrase.lower().replace(" ", "-"), phrase, headers or {})


INVALID = Kind(422, "invalid-request", "Invalid request")
MALFORMED = Kind(400, "malformed-json", "Malformed JSON")


class ProblemError(Exception):
    """An error with its own kind; its text becomes the detail."""

    kind: Kind


class Unauthenticated(ProblemError):  # noqa: N818 - named after its answer
    """No token, or one that does not count; the text never says why."""

    kind = Kind(401, "unauthenticated", "Unauthenticated", {"WWW-Authenticate": "Bearer"})

    def __init__(self, detail: str = "A valid access token is required.") -> None:
        super().__init__(detail)


class InsufficientScope(ProblemError):  # noqa: N818 - named after its answer
    """A personal access token that does not open this."""

    kind = Kind(403, "insufficient-scope", "Insufficient scope")


class ServiceUnavailable(ProblemError):  # noqa: N818 - named after its answer
    """Something this service needs does not answer; `retry_after` is in seconds."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        headers = {"Retry-After": str(retry_after)}
        self.kind = Kind(503, "service-unavailable", "Service unavailable", headers)


def problem(kind: Kind, detail: str, path: str, **extra: Any) -> Response:
    """The answer: type, title, status, detail, instance, request_id and what `extra` adds."""
    body = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail or detail,
        "instance": quote(path),
        "request_id": request_id.current(),
        **extra,
    }
    # ASCII, because a field name that the caller chose may hold a lone surrogate.
    content = json.dumps(body).encode("ascii")
    return Response(content, kind.status, dict(kind.headers), MEDIA_TYPE)


def install(app: FastAPI, kinds: Mapping[type[Exception], Kind]) -> None:
    """Answers the framework's errors, servicekit's and those in `kinds` as problems."""
    for error, kind in kinds.items():
        app.add_exception_handler(error, _handler(kind))
    app.add_exception_handler(ProblemError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


def _handler(kind: Kind) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        _note(kind, error)
        return problem(kind, str(error), request.scope["path"])

    return handle


def _note(kind: Kind, error: Exception) -> None:
    """Log one line for an expected error of the server's side. Its cause is named, not traced.

    Only the first line of its text: a database driver's next ones have the statement.
    """
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        cause = error.__cause__ or error
        text, *_ = str(cause).splitlines() or [""]
        _log.warning(kind.slug, error=type(error).__name__, cause=f"{type(cause).__name__}: {text}")


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class only
    _note(error.kind, error)
    return problem(error.kind, str(error), request.scope["path"])


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    return problem(standard(error.status_code, error.headers), error.detail, request.scope["path"])


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return problem(MALFORMED, "The body is not valid JSON.", request.scope["path"])
    # Only names and messages: the value may be a password.
    fields = [{"field": _field(each["loc"]), "message": each["msg"]} for each in found]
    detail = "Some fields are not valid; `errors` names them."
    return problem(INVALID, detail, request.scope["path"], errors=fields)


def _field(location: tuple[str | int, ...]) -> str:
    """("body", "title") is `title`; ("body",) alone is `body`."""
    return ".".join(str(part) for part in location[1:] or location)


class CatchAllMiddleware:
    """Turns whatever escaped into a 500 inside the application.

    An exception that reaches uvicorn makes it close the keep-alive connection unannounced, and
    the next request of a pooling proxy, another user's, fails on it.
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
            if started:  # Half an answer is out: only a closed connection tells the client.
                raise
            detail = "Something went wrong on our side."
            await problem(standard(500), detail, scope["path"])(scope, receive, send)
