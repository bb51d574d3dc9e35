"""A span for each call that a traced request makes, and the trace's id for whom it calls."""

import httpx
from opentelemetry.trace import StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from servicekit import tracing

# Not the global one, which would also pass on what a client sent as `baggage`.
_PROPAGATOR = TraceContextTextMapPropagator()


class TracedTransport(httpx.AsyncBaseTransport):
    """Calls `service` through another transport. A call that is repeated has two spans."""

    def __init__(self, service: str, inner: httpx.AsyncBaseTransport) -> None:
        self._service = service
        self._inner = inner

    async def __aenter__(self) -> "TracedTransport":
        await self._inner.__aenter__()
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with tracing.call(request.method, self._service) as span:
            if span is None:
                return await self._inner.handle_async_request(request)
            _PROPAGATOR.inject(request.headers)
            response = await self._inner.handle_async_request(request)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                span.set_status(StatusCode.ERROR)
            return response

    async def aclose(self) -> None:
        await self._inner.aclose()
