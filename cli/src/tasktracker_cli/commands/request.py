"""A request that the user has put together: words in, method, path, body and headers out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tasktracker_cli.errors import UsageError
from tasktracker_cli.gateway.client import BASE
from tasktracker_cli.terminal import streams

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


@dataclass(frozen=True)
class Request:
    """What is sent; `path` begins with a slash and may have a query, which `query` adds to."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def parts(self) -> tuple[str, str, bytes | None, dict[str, str]]:
        """Return method, target, body and headers."""
        bare, _, query = self.path.partition("?")
        pairs = [*parse_qsl(query, keep_blank_values=True), *self.query.items()]
        target = f"{bare}?{urlencode(pairs, errors='surrogatepass')}" if pairs else bare
        is_typed = self.body is None or "content-type" in map(str.lower, self.headers)
        kind = {} if is_typed else {"Content-Type": "application/json"}
        return self.method, target, self.body, {**kind, **self.headers}

    def with_query(self, query: Mapping[str, str]) -> Request:
        """Return the same request with this query and no other."""
        return replace(self, path=self.path.partition("?")[0], query=query)


def read_method(name: str) -> str:
    """Return a method in capitals. Raises UsageError if no request can have it."""
    if not _TOKEN.fullmatch(name):
        raise UsageError(f"{name!r} is not a method.", "Give one like GET or POST.")
    return name.upper()


def target_of(path: str) -> str:
    """Return the path at the gateway. Raises UsageError for an address, or what fits no request."""
    if "://" in path:
        raise UsageError(
            "A path is expected, not an address.", "Give the gateway with --url, and here a path."
        )
    if not (path.isascii() and path.isprintable()) or " " in path:
        raise UsageError(f"{path!r} is not a path.", "Write other characters as %20 and the like.")
    return path if path.startswith("/") else f"{BASE}/{path}"


def body_of(
    method: str, fields: Sequence[str], typed: Sequence[str], file: str | None
) -> tuple[dict[str, str], bytes | None]:
    """Return the query and the body that the fields and the file make."""
    values: dict[str, Any] = dict(_pair(one) for one in fields)
    values |= {name: _typed(text) for name, text in map(_pair, typed)}
    if file is None and method not in {"GET", "HEAD"}:
        return {}, json.dumps(values).encode() if values else None
    query = {name: v if isinstance(v, str) else json.dumps(v) for name, v in values.items()}
    return query, None if file is None else _read(file)


def read_header(text: str) -> tuple[str, str]:
    """Return a header's name and value. Raises UsageError if it is none, or the login's own."""
    name, colon, value = text.partition(":")
    value = value.strip()
    if not (colon and _TOKEN.fullmatch(name) and value.isascii() and value.isprintable()):
        raise UsageError(f"{text!r} is not a header.", "Give one like: If-Match: *")
    if name.lower() == "authorization":
        raise UsageError("The login goes with the request.", "Give another in TASKTRACKER_TOKEN.")
    return name, value


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"{text!r} is not a field.", "Give one like: title=Tea")
    return name, value


def _typed(text: str) -> Any:
    if text.startswith("@"):
        return _read(text[1:]).decode("utf-8", "surrogateescape")
    is_json = text in {"true", "false", "null"} or _NUMBER.fullmatch(text)
    return json.loads(text) if is_json else text


def _read(file: str) -> bytes:
    if file == "-":
        return streams.read_bytes()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
