"""What OpenAPI documents say beyond FastAPI's own: the problems that each operation answers."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from servicekit import problems as problem_types

Responses = dict[int | str, dict[str, Any]]

_TEXT = {"type": "string"}
_REFERENCE = {"type": "string", "format": "uri-reference"}
_PROBLEM = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `errors` comes with a 422 and names fields.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": _REFERENCE,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _REFERENCE,
        "request_id": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": _TEXT, "message": _TEXT},
            },
        },
    },
}


def problems(*statuses: int) -> Responses:
    """For `responses` of a router or route: these statuses are answered with a problem.

    Each of them has a test that makes it happen, or the service's test_endpoints.py fails.
    """
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    content = {problem_types.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": problem_types.of_status(status).title, "content": content}


# A JSON body may be no JSON, too large, or not what is asked for.
BODY = problems(400, 413, 422)


def operation_id(route: APIRoute) -> str:
    """The function's name: the default adds path and method, and nobody can say it."""
    return route.name


def install(app: FastAPI) -> None:
    """Describe a problem once, for every operation to refer to."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        document["components"]["schemas"]["Problem"] = _PROBLEM
        return document

    app.openapi = openapi  # type: ignore[method-assign] # the way that FastAPI documents
