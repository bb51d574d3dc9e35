"""Spans around the requests that the gateway has sampled, and around what they cause.

Without TRACES_URL nothing is traced, and the SDK is not imported. With it, the framework makes a
span for each request whose `traceparent` says that it is sampled. For any other request its tracing
is not entered: a span that nobody keeps costs half of a small request, too
(docs/decisions/0060-traces.md).
"""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from pydantic import HttpUrl

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
_NO_SPAN: AbstractContextManager[None] = nullcontext()
_INNERMOST = re.compile(r"\([^()]*\)")
_OPERATION = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+\"?([a-z_]+)", re.IGNORECASE)

# As the settings of logs, these are of the whole process.
_provider: "TracerProvider | None" = None
_tracer: Tracer | None = None


def configure(service: str, url: HttpUrl | None) -> None:
    """Send the spans of `service` to `url` by OTLP over HTTP. None: nothing is traced.

    The spans of an earlier choice are sent first.
    """
    global _provider, _tracer
    if _provider is not None:
        _provider.shutdown()
    _provider = _tracer = None
    if url is None:
        return
    from servicekit.span_export import provider

    _provider = provider(service, str(url))
    _tracer = _provider.get_tracer(__name__)


def is_on() -> bool:
    """Return whether some requests are traced."""
    return _tracer is not None


def telemetry() -> TelemetryConfig:
    """Return the framework's settings for what `configure` was told."""
    if _provider is None:
        return _OFF
    return {
        **_OFF,
        "tracing": True,
        "tracer_provider": _provider,
        # A span more for each step of the framework would double the cost.
        "operation_spans": False,
        "exclude": is_unsampled,
    }


def is_unsampled(scope: MutableMapping[str, Any]) -> bool:
    """Return whether nobody wants a span of the request (W3C Trace Context, section 3.2)."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return not (len(value) == 55 and value[-1:] in b"13579bdf")
    return True


def trace_id() -> str | None:
    """Return the id of the present request's trace, 32 digits, or None if it has none."""
    span = _recording()
    return format(span.get_span_context().trace_id, "032x") if span else None


def statement(sql: str) -> AbstractContextManager[Span | None]:
    """Surround a statement with a span if the present request is traced.

    `sql` must have placeholders in place of values.
    """
    if _recording() is None:
        return _NO_SPAN
    return _client_span(summary(sql), {"db.system.name": "postgresql", "db.query.text": sql})


def call(method: str, service: str) -> AbstractContextManager[Span | None]:
    """Surround a call of another service in the same way. The span is the value of the block."""
    if _recording() is None:
        return _NO_SPAN
    attributes = {"http.request.method": method, "service.peer.name": service}
    return _client_span(f"{method} {service}", attributes)


@lru_cache
def summary(sql: str) -> str:
    """Return a statement's operation and first table, such as `SELECT tasks`.

    Of a statement with a subquery they are the outer ones, of one with WITH the inner ones.
    """
    while not sql.upper().startswith("WITH") and (outer := _INNERMOST.sub("", sql)) != sql:
        sql = outer
    found = (_OPERATION.search(sql), _TABLE.search(sql))
    return " ".join(match[1] for match in found if match) or "statement"


def _recording() -> Span | None:
    if _tracer is None:
        return None
    span = trace.get_current_span()
    return span if span.is_recording() else None


@contextmanager
def _client_span(name: str, attributes: Mapping[str, str]) -> Iterator[Span]:
    assert _tracer is not None  # noqa: S101 - a span is recording
    with _tracer.start_as_current_span(
        name,
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,  # its text may have values of a row
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise
