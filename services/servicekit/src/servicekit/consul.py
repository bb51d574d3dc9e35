"""A client of a Consul agent, which works around the faults of python-consul.

- It sends the token inside some URLs, which end up in logs, and with other calls not at all.
- It waits for a response for ever.
- Its constructor prefers CONSUL_HTTP_ADDR to its arguments, and fails if that has a scheme.

It is imported only where CONSUL_URL is set, so that under Nomad it takes no memory.
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
# As in the mesh, where three failures take an instance out. Here one does, so a busy machine must
# have time for its answer.
CHECK_TIME_LIMIT = "5s"
# Long enough for a restart. After it, the entry of a killed instance is deleted.
DEREGISTER_AFTER = "1m"  # the minimum that Consul accepts


class _TimeLimit(HTTPAdapter):
    """Ends each request after `seconds` without a response."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def send(  # type: ignore[override] # the arguments are requests' own, passed on
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        return super().send(request, **(options | {"timeout": self.seconds}))


class Agent:
    """One Consul agent, for one thread. Each call raises the errors of `requests`."""

    def __init__(self, url: HttpUrl, token: SecretStr | None, time_limit: float) -> None:
        self.http = HTTPClient(url.host, url.port, url.scheme)
        self.http.session.trust_env = False  # no proxy and no .netrc
        self.http.session.mount(f"{url.scheme}://", _TimeLimit(time_limit))
        if token:
            self.http.session.headers["X-Consul-Token"] = token.get_secret_value()
        # python-consul's endpoints read these attributes of their client.
        self.token = self.dc = None
        self._agent = Consul.Agent(self)
        self._health = Consul.Health(self)

    def register(self, instance: Instance) -> None:
        """Enter the instance with its health check, replacing an older entry of the same id."""
        check = Check.http(
            f"http://{instance.host}:{instance.port}{instance.service.health}",
            interval=INTERVAL,
            timeout=CHECK_TIME_LIMIT,
            deregister=DEREGISTER_AFTER,
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
        """Tell whether the agent has the instance's entry."""
        return instance.id in self._agent.services()

    def close(self) -> None:
        """Close the connection. A later call opens another."""
        self.http.session.close()

    def healthy(
        self, name: str, after: str | None = None, wait: str = "5s"
    ) -> tuple[str, list[tuple[str, int]]]:
        """Return an index, and host and port of each instance of the service whose checks pass.

        With `after`, an index from an earlier call, it waits for a change since then, but not
        longer than `wait` and a sixteenth of it.
        """
        index, entries = self._health.service(name, index=after, wait=wait, passing=True)
        return index, [_address(entry) for entry in entries]


def _address(entry: Mapping[str, Any]) -> tuple[str, int]:
    # An entry without an address has the address of its node.
    service = entry["Service"]
    return service["Address"] or entry["Node"]["Address"], service["Port"]
