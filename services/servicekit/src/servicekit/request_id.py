"""One identifier per request, from the edge through every log line and every call it causes."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.datastructures import Headers
from starlette.types import Scope

HEADER = "X-Request-ID"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current() -> str | None:
    """The identifier of the request being served, or None outside of one."""
    return _current.get()


@contextmanager
def identified(scope: Scope) -> Iterator[tuple[bytes, bytes]]:
    """Accept a well-formed X-Request-ID or make one; the header that returns it."""
    given = Headers(scope=scope).get(HEADER, "")
    request_id = given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(16)
    token = _current.set(request_id)
    try:
        yield HEADER.lower().encode(), request_id.encode()
    finally:
        _current.reset(token)
