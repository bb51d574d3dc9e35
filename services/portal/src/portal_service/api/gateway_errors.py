"""The body of the gateway's own errors, which its `errors` middleware asks for.

The gateway keeps its status, and takes the body and the headers from here.
"""

from typing import Annotated
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, HTTPException, Query, Response, status

from portal_service.api.dependencies import BackendsDep
from portal_service.clients.backend import Backend
from servicekit import problems

RETRY = {"Retry-After": "1"}
PROBLEM_TYPES = {
    431: problems.of_status(431),
    502: problems.of_status(502, RETRY),
    504: problems.of_status(504, RETRY),
}

router = APIRouter(include_in_schema=False)


@router.get("/gateway-errors/{code}")
async def read_gateway_error(
    code: int, backends: BackendsDep, url: Annotated[str, Query()] = "/"
) -> Response:
    """Answer `code` as a problem; `url` is the path and query that the client asked the gateway."""
    if code not in PROBLEM_TYPES:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    path = unquote(_path(url))
    owner = next((each for each in backends.values() if each.owns(path)), None)
    return problems.response(PROBLEM_TYPES[code], _detail(code, owner), path)


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # `//[` looks like the start of an IPv6 address
        return url.partition("?")[0]


def _detail(code: int, owner: Backend | None) -> str:
    name = owner.name if owner else "The portal"
    match code:
        case 431:
            return "The request has too many header fields, or too long ones."
        case 504:
            return f"{name} did not answer in time; it may or may not have done what was asked."
        case _:
            return (
                f"{name} broke off before its answer; it may or may not have done what was asked."
            )
