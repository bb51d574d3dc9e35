"""Registration in Consul, for a service that nothing else registers.

It is on where CONSUL_URL is set: in `./just dev`, and for services started by hand. Under Nomad the
job registers its service.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from servicekit.instance import Instance, Service
from servicekit.settings import ServiceSettings

if TYPE_CHECKING:
    from servicekit.consul import Agent

CHECK_INTERVAL = 1.0  # seconds between two checks that the entry is still there
TIME_LIMIT = 2.0  # seconds for a call
NOTICE = 2.0  # seconds in which the gateway and other services hear that an instance has left
_log = structlog.get_logger(__name__)
_running: set["Registrar"] = set()


@asynccontextmanager
async def registered(service: Service, settings: ServiceSettings) -> AsyncIterator[None]:
    """Keep the service registered while the block runs. Without CONSUL_URL, do nothing.

    Never raises: without Consul the service still works, and its log says what is wrong.
    """
    if settings.consul_url is None:
        yield
        return
    from servicekit.consul import Agent  # only here, because it loads python-consul

    agent = Agent(settings.consul_url, settings.consul_token, TIME_LIMIT)
    registrar = Registrar(agent, Instance(service, settings.host, settings.port))
    registrar.start()
    _running.add(registrar)
    try:
        yield
    finally:
        _running.discard(registrar)
        await asyncio.to_thread(registrar.stop)


async def leave() -> None:
    """Remove this process's entries while it still serves, so that callers turn to others.

    Without it, a request may be sent on a kept connection that is being closed: the gateway cannot
    know then whether it was read, and must not repeat it.
    """
    for registrar in list(_running):
        await asyncio.to_thread(registrar.leave)


class Registrar:
    """Keeps an instance registered, in a thread, because a restarted Consul may have lost it."""

    def __init__(
        self, agent: "Agent", instance: Instance, check_interval: float = CHECK_INTERVAL
    ) -> None:
        self._agent = agent
        self._instance = instance
        self._check_interval = check_interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="registrar", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        """Remove the entry. If there are other instances, wait until the callers have heard."""
        if self.stop():
            time.sleep(NOTICE)

    def stop(self) -> bool:
        """Remove the entry, and return whether other instances are healthy. Do it only once.

        If Consul hangs this takes at most twice the time limit.
        """
        if self._stopped.is_set():
            return False
        self._stopped.set()
        self._thread.join()
        others: list[tuple[str, int]] = []
        try:
            self._agent.deregister(self._instance)
            _, others = self._agent.healthy(self._instance.service.name)
        except Exception as error:
            _log.warning("cannot deregister", id=self._instance.id, error=str(error))
        self._agent.close()
        return bool(others)

    def _run(self) -> None:
        has_warned = False
        while True:
            try:
                self._ensure()
                has_warned = False
            except Exception as error:  # of any kind: the next check may succeed
                if not has_warned:  # once per outage
                    _log.warning("cannot register", id=self._instance.id, error=str(error))
                has_warned = True
            if self._stopped.wait(self._check_interval):
                return

    def _ensure(self) -> None:
        if not self._agent.knows(self._instance):
            self._agent.register(self._instance)
            _log.info("registered in Consul", id=self._instance.id)
