"""One id per request, for each log line and each call that it causes."""

import os
import re
from contextvars import ContextVar

from starlette.types import Scope

HEADER = "X-Request-ID"
_NAME = HEADER.lower().encode()
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current() -> str | None:
    """Return the id of the current request, or None outside a request."""
    return _current.get()


def identify(scope: Scope) -> tuple[bytes, bytes]:
    """Set the id: a well-formed X-Request-ID, or a new one. Return the header of the response.

    It is known in the task of the request, and in the tasks that this one starts.
    """
    given = next((value for name, value in scope["headers"] if name == _NAME), b"")
    request_id = given if _WELL_FORMED.fullmatch(given) else os.urandom(16).hex().encode()
    _current.set(request_id.decode())
    return _NAME, request_id
