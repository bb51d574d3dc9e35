"""One id per request, for each log line and each call that it causes."""

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
    """Return the id of the current request, or None outside a request."""
    return _current.get()


@contextmanager
def identified(scope: Scope) -> Iterator[tuple[bytes, bytes]]:
    """Set the id: a well-formed X-Request-ID, or a new one. Yield the header of the response."""
    given = Headers(scope=scope).get(HEADER, "")
    request_id = given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(16)
    token = _current.set(request_id)
    try:
        yield HEADER.lower().encode(), request_id.encode()
    finally:
        _current.reset(token)
