"""A service that nobody else registers enters itself in Consul while it runs.

That is so where CONSUL_URL is set: in `./just dev`, and for services started by hand. Under Nomad
it is not, because the job registers.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from servicekit.instance import Instance, Service
from servicekit.settings import ServiceSettings

if TYPE_CHECKING:
    from servicekit.consul import Agent

LOOK_INTERVAL = 1.0  # seconds between two looks whether Consul still knows us
TIME_LIMIT = 2.0  # seconds for a call
_log = structlog.get_logger(__name__)


@asynccontextmanager
async def registered(service: Service, settings: ServiceSettings) -> AsyncIterator[None]:
    """Have the service in Consul as long as the block runs; without CONSUL_URL, do nothing.

    Never raises: a service without its Consul still serves, and says in its log what is wrong.
    """
    if settings.consul_url is None:
        yield
        return
    from servicekit.consul import Agent  # not before it is needed: it loads python-consul

    agent = Agent(settings.consul_url, settings.consul_token, TIME_LIMIT)
    registrar = Registrar(agent, Instance(service, settings.host, settings.port))
    registrar.start()
    try:
        yield
    finally:
        await asyncio.to_thread(registrar.stop)


class Registrar:
    """Keeps an instance registered, in a thread: a Consul that restarts may have lost it."""

    def __init__(
        self, agent: "Agent", instance: Instance, look_interval: float = LOOK_INTERVAL
    ) -> None:
        self._agent = agent
        self._instance = instance
        self._look_interval = look_interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="registrar", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Remove the entry. Takes twice the time limit at most, when Consul hangs."""
        self._stopped.set()
        self._thread.join()
        try:
            self._agent.deregister(self._instance)
        except Exception as error:
            _log.warning("cannot deregister", id=self._instance.id, error=str(error))
        self._agent.close()

    def _run(self) -> None:
        complained = False
        while True:
            try:
                self._ensure()
                complained = False
            except Exception as error:  # whatever it is, the next look may succeed
                if not complained:  # once per outage
                    _log.warning("cannot register", id=self._instance.id, error=str(error))
                complained = True
            if self._stopped.wait(self._look_interval):
                return

    def _ensure(self) -> None:
        if not self._agent.knows(self._instance):
            self._agent.register(self._instance)
            _log.info("registered in Consul", id=self._instance.id)
