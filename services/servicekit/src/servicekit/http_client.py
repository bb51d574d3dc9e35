"""The HTTP clients with which one service calls another."""

import httpx
from pydantic import HttpUrl

from servicekit import discovery, request_id, tracing
from servicekit.aiohttp_transport import AiohttpTransport
from servicekit.direct_client import DirectClient
from servicekit.retry import RetryTransport
from servicekit.settings import ConsulSettings
from servicekit.traced_transport import TracedTransport


def create(
    base_url: str,
    timeout: float = 5.0,
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    service: str = "",
) -> httpx.AsyncClient:
    """Return a client. `timeout` is in seconds; `service` is how traces name whom it calls.

    Use one for the life of the process, because to make one costs 35 ms. Open it as a context, in
    the event loop that uses it. It repeats some failed calls once; see RetryTransport.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=timeout,
        transport=_repeating(service or base_url, transport),
        event_hooks={"request": [_pass_request_id]},
    )


def for_service(
    name: str,
    url: HttpUrl | None,
    settings: ConsulSettings,
    timeout: float = 5.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Return a client of the service `name`, at `url` or, without one, where Consul finds it."""
    base_url, way = _way(name, url, settings, transport)
    return create(base_url, timeout, way, service=name)


def direct_for_service(
    name: str,
    url: HttpUrl | None,
    settings: ConsulSettings,
    timeout: float,
    transport: httpx.AsyncBaseTransport | None = None,
) -> DirectClient:
    """Return a DirectClient of a service in the same way. It repeats failed calls, too."""
    base_url, way = _way(name, url, settings, transport)
    return DirectClient(base_url, timeout, _repeating(name, way))


def _way(
    name: str,
    url: HttpUrl | None,
    settings: ConsulSettings,
    transport: httpx.AsyncBaseTransport | None,
) -> tuple[str, httpx.AsyncBaseTransport | None]:
    """Return the base URL of a service, and what leads there."""
    if url is not None:
        return str(url), transport
    return f"http://{name}", discovery.transport(name, settings, transport or AiohttpTransport())


def _repeating(service: str, transport: httpx.AsyncBaseTransport | None) -> RetryTransport:
    once = transport or AiohttpTransport()
    return RetryTransport(TracedTransport(service, once) if tracing.is_on() else once)


async def _pass_request_id(request: httpx.Request) -> None:
    if identifier := request_id.current():
        request.headers[request_id.HEADER] = identifier
