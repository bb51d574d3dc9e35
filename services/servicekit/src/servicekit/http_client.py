"""The HTTP client with which one service calls another."""

import httpx
from pydantic import HttpUrl

from servicekit import discovery, request_id, tracing
from servicekit.aiohttp_transport import AiohttpTransport
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
    once = transport or AiohttpTransport()
    if tracing.is_on():
        once = TracedTransport(service or base_url, once)
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=timeout,
        transport=RetryTransport(once),
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
    if url is None:
        found = discovery.transport(name, settings, transport or AiohttpTransport())
        return create(f"http://{name}", timeout, found, service=name)
    return create(str(url), timeout, transport, service=name)


async def _pass_request_id(request: httpx.Request) -> None:
    if identifier := request_id.current():
        request.headers[request_id.HEADER] = identifier
