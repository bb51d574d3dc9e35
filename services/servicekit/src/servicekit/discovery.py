"""Client-side load balancing over the healthy instances of a service, which Consul lists."""

import itertools
import threading
from typing import TYPE_CHECKING

import httpx
import structlog

from servicekit.settings import ConsulSettings

if TYPE_CHECKING:
    from servicekit.consul import Agent

RETRY_INTERVAL = 0.2  # seconds
# For a blocking query, which Consul answers within little more than five seconds.
TIME_LIMIT = 8.0  # seconds
Address = tuple[str, int]
_log = structlog.get_logger(__name__)


class Watch:
    """The healthy instances of a service, which a thread keeps up to date."""

    def __init__(self, agent: "Agent", name: str) -> None:
        self._agent = agent
        self._name = name
        self._instances: list[Address] = []
        self._calls = itertools.count()
        self._stopped = threading.Event()
        # Nothing waits for it to end, because it can be in a blocking query.
        self._thread = threading.Thread(target=self._run, name=f"watch-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def rotated(self) -> list[Address]:
        """Return the healthy instances, starting with the next one at each call."""
        instances = self._instances
        first = next(self._calls) % max(len(instances), 1)
        return instances[first:] + instances[:first]

    def _run(self) -> None:
        index, has_warned = None, False
        while not self._stopped.is_set():
            try:
                index, found = self._agent.healthy(self._name, after=index)
            except Exception as error:  # of any kind: the next query may succeed
                if not has_warned:  # once per outage
                    _log.warning("cannot ask Consul", service=self._name, error=str(error))
                index, has_warned = None, True  # a restarted Consul has other indexes
                self._stopped.wait(RETRY_INTERVAL)
            else:
                has_warned = False
                # If no instance is healthy, try the earlier ones: a Consul that has just restarted
                # lists none, although they are well.
                self._instances = found or self._instances
        self._agent.close()


class DiscoveredTransport(httpx.AsyncBaseTransport):
    """Sends each request to the next healthy instance of the service.

    If it cannot connect to that one it tries the others. Raises httpx.ConnectError if no instance
    is left.
    """

    def __init__(self, name: str, watch: Watch, network: httpx.AsyncBaseTransport) -> None:
        self._name = name
        self._watch = watch
        self._network = network

    async def __aenter__(self) -> "DiscoveredTransport":
        self._watch.start()
        await self._network.__aenter__()
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        failure: httpx.TransportError = httpx.ConnectError(
            f"Consul knows no healthy instance of {self._name}", request=request
        )
        for host, port in self._watch.rotated():
            request.url = request.url.copy_with(host=host, port=port)
            try:
                return await self._network.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    async def aclose(self) -> None:
        self._watch.stop()
        await self._network.aclose()


def transport(
    name: str, settings: ConsulSettings, network: httpx.AsyncBaseTransport
) -> DiscoveredTransport:
    """Return a transport to the instances of the service `name`, on top of `network`."""
    from servicekit.consul import Agent  # only here, because it loads python-consul

    assert settings.consul_url is not None  # noqa: S101 - ServiceUrl makes sure of it
    agent = Agent(settings.consul_url, settings.consul_token, TIME_LIMIT)
    return DiscoveredTransport(name, Watch(agent, name), network)
