"""What OpenAPI documents say beyond FastAPI's: problems, and which operations need no token."""

from collections.abc import Iterator
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
    """Return the `responses` of a router or route that answers these statuses with a problem.

    Each of them needs a test that makes it happen, or `./just endpoints` fails.
    """
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    content = {problem_types.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": problem_types.of_status(status).title, "content": content}


# A body can be malformed JSON, too large, or not valid.
BODY = problems(400, 413, 422)


def operation_id(route: APIRoute) -> str:
    """Return the name of the function. The default adds path and method, which is hard to read."""
    return route.name


def install(app: FastAPI) -> None:
    """Complete the document that FastAPI makes."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        document["components"]["schemas"]["Problem"] = _PROBLEM
        for operations in document["paths"].values():
            for operation in operations.values():
                operation.setdefault("security", [])
        return with_used_schemas(document)

    app.openapi = openapi  # type: ignore[method-assign] # the way that FastAPI documents


def with_used_schemas(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with only those schemas that its paths refer to, also indirectly."""
    components = document.get("components", {})
    schemas = components.get("schemas", {})
    used: set[str] = set()
    new = set(_references(document["paths"]))
    while new:
        used |= new
        new = {each for name in new for each in _references(schemas.get(name))} - used
    kept = {name: schema for name, schema in schemas.items() if name in used}
    return {**document, "components": {**components, "schemas": kept}}


def _references(value: Any) -> Iterator[str]:
    """Yield the name of each schema that is referred to somewhere in the value."""
    match value:
        case {"$ref": str(reference)}:
            yield reference.rpartition("/")[2]
        case dict():
            for each in value.values():
                yield from _references(each)
        case list():
            for each in value:
                yield from _references(each)
