"""A service that calls another finds its healthy instances in Consul, and takes them in turn."""

import itertools
import threading
from typing import TYPE_CHECKING

import httpx
import structlog

from servicekit.settings import ConsulSettings

if TYPE_CHECKING:
    from servicekit.consul import Agent

RETRY_INTERVAL = 0.2  # seconds
# For a blocking query, which Consul answers after a little more than five seconds at the latest.
TIME_LIMIT = 8.0  # seconds
Address = tuple[str, int]
_log = structlog.get_logger(__name__)


class Watch:
    """The healthy instances of a service, kept current by a thread."""

    def __init__(self, agent: "Agent", name: str) -> None:
        self._agent = agent
        self._name = name
        self._instances: list[Address] = []
        self._turn = itertools.count()
        self._stopped = threading.Event()
        # Nobody waits for it at the end: it may sit in a query.
        self._thread = threading.Thread(target=self._run, name=f"watch-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def in_turn(self) -> list[Address]:
        """Every healthy instance, with another one first each time."""
        instances = self._instances
        first = next(self._turn) % max(len(instances), 1)
        return instances[first:] + instances[:first]

    def _run(self) -> None:
        index, complained = None, False
        while not self._stopped.is_set():
            try:
                index, found = self._agent.healthy(self._name, after=index)
            except Exception as error:  # whatever it is, the next query may succeed
                if not complained:  # once per outage
                    _log.warning("cannot ask Consul", service=self._name, error=str(error))
                index, complained = None, True  # a Consul that restarts counts from anew
                self._stopped.wait(RETRY_INTERVAL)
            else:
                complained = False
                # Where nobody is healthy, those of before are still worth a try: a Consul that
                # has just restarted knows nobody, although all are well.
                self._instances = found or self._instances
        self._agent.close()


class DiscoveredTransport(httpx.AsyncBaseTransport):
    """Sends each request to the next healthy instance of the service.

    Goes on to the one after it where nothing could be sent. Raises httpx.ConnectError where nobody
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
        for host, port in self._watch.in_turn():
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
    """The way over `network` to the service `name`, through the Consul that the settings name."""
    from servicekit.consul import Agent  # not before it is needed: it loads python-consul

    assert settings.consul_url is not None  # noqa: S101 - what ServiceUrl has made sure of
    agent = Agent(settings.consul_url, settings.consul_token, TIME_LIMIT)
    return DiscoveredTransport(name, Watch(agent, name), network)
