"""Problems (RFC 9457): their types, and the response that has one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from servicekit import request_id

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """What all problems of one type share. A `detail` replaces the text of the exception."""

    status: int
    slug: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: str | None = None


# RFC 9110 names these differently from Python 3.11.
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


def of_status(status: int, headers: Mapping[str, str] | None = None) -> ProblemType:
    """Return the type of a bare HTTP status: 404 is `/problems/not-found`."""
    phrase = _RENAMED.get(status) or HTTPStatus(status).phrase
    return ProblemType(status, phrase.lower().replace(" ", "-"), phrase, headers or {})


INVALID_REQUEST = ProblemType(422, "invalid-request", "Invalid request")
MALFORMED_JSON = ProblemType(400, "malformed-json", "Malformed JSON")
UNAUTHENTICATED = ProblemType(
    401, "unauthenticated", "Unauthenticated", {"WWW-Authenticate": "Bearer"}
)
SERVICE_UNAVAILABLE = of_status(503, {"Retry-After": "1"})


def response(problem_type: ProblemType, detail: str, path: str, **extra: Any) -> Response:
    """Answer with type, title, status, detail, instance, request_id and the `extra` members."""
    body = {
        "type": f"/problems/{problem_type.slug}",
        "title": problem_type.title,
        "status": problem_type.status,
        "detail": problem_type.detail or detail,
        "instance": quote(path),
        "request_id": request_id.current(),
        **extra,
    }
    # ASCII, because a field name that the caller chose may hold a lone surrogate.
    content = json.dumps(body).encode("ascii")
    return Response(content, problem_type.status, dict(problem_type.headers), MEDIA_TYPE)
