"""A Consul agent through python-consul, whose faults are mended here and nowhere else.

- It sends the token as a part of some addresses, which end in logs, and on others not at all.
- It waits for an answer for ever.
- Its constructor lets CONSUL_HTTP_ADDR overrule its arguments, and fails on one with a scheme.

Imported only where CONSUL_URL is set: under Nomad it stays out of the process.
"""

from collections.abc import Mapping
from typing import Any

import requests
from consul.base import Check
from consul.std import Consul, HTTPClient
from pydantic import HttpUrl, SecretStr
from requests.adapters import HTTPAdapter

from servicekit.instance import Instance

INTERVAL = "1s"
# With the interval it is what a hanging instance may go unnoticed: together under two seconds.
CHECK_TIME_LIMIT = "800ms"
# Long enough for a restart, and short enough that a killed instance does not stay listed for good.
FORGOTTEN_AFTER = "1m"  # the least that Consul takes


class _TimeLimit(HTTPAdapter):
    """Ends every request after `seconds` without an answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def send(  # type: ignore[override] # the arguments are requests' own, passed on
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        return super().send(request, **(options | {"timeout": self.seconds}))


class Agent:
    """One Consul agent. Not for two threads at once; each call raises what `requests` does."""

    def __init__(self, url: HttpUrl, token: SecretStr | None, time_limit: float) -> None:
        self.http = HTTPClient(url.host, url.port, url.scheme)
        self.http.session.trust_env = False  # neither a proxy nor somebody's .netrc
        self.http.session.mount(f"{url.scheme}://", _TimeLimit(time_limit))
        if token:
            self.http.session.headers["X-Consul-Token"] = token.get_secret_value()
        # What python-consul's endpoints look for on the client they belong to.
        self.token = self.dc = None
        self._agent = Consul.Agent(self)
        self._health = Consul.Health(self)

    def register(self, instance: Instance) -> None:
        """Enter the instance with its health check, replacing an older entry of the same id."""
        check = Check.http(
            f"http://{instance.host}:{instance.port}{instance.service.health}",
            interval=INTERVAL,
            timeout=CHECK_TIME_LIMIT,
            deregister=FORGOTTEN_AFTER,
        )
        self._agent.service.register(
            instance.service.name,
            instance.id,
            address=instance.host,
            port=instance.port,
            tags=instance.service.tags,
            check=check,
        )

    def deregister(self, instance: Instance) -> None:
        """Remove the instance's entry."""
        self._agent.service.deregister(instance.id)

    def knows(self, instance: Instance) -> bool:
        """Whether the agent has the instance's entry."""
        return instance.id in self._agent.services()

    def close(self) -> None:
        """Close the connection. A later call would open another."""
        self.http.session.close()

    def healthy(
        self, name: str, after: str | None = None, wait: str = "5s"
    ) -> tuple[str, list[tuple[str, int]]]:
        """The index, and host and port of every instance of the service whose checks pass.

        `after`: an index that was answered before; waits for a change since, but no longer than
        `wait` and a sixteenth.
        """
        index, entries = self._health.service(name, index=after, wait=wait, passing=True)
        return index, [_address(entry) for entry in entries]


def _address(entry: Mapping[str, Any]) -> tuple[str, int]:
    # An entry without an address of its own is at its node's.
    service = entry["Service"]
    return service["Address"] or entry["Node"]["Address"], service["Port"]
