"""An HTTP client for an agent's API that turns refusals into sentences."""

import ssl
from typing import Any

import httpx

from tasktracker_cluster.errors import ApiError


class Api:
    """JSON over HTTP with a token. `name` is the agent's, for messages; `timeout` in seconds.

    `tls` holds what to trust and what to show; an address that starts with https needs it.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        headers: dict[str, str],
        timeout: float = 10,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        # Agents are restarted under us: no connection outlives its answer.
        no_pool = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(
            base_url=base_url,
            headers=headers,
            timeout=timeout,
            trust_env=False,
            limits=no_pool,
            verify=tls or False,
        )

    def call(self, method: str, path: str, body: object = None, /, **params: str) -> Any:
        """Answer the parsed JSON, or None for an empty answer. Raises ApiError."""
        return self._parsed(self._send(method, path, body, params))

    def find(self, path: str, /, **params: str) -> Any:
        """GET something that may not exist: None for 404. Raises ApiError."""
        response = self._send("GET", path, None, params)
        return None if response.status_code == 404 else self._parsed(response)

    def text(self, path: str, /, **params: str) -> str:
        """GET plain text; empty when it is refused."""
        response = self._send("GET", path, None, params)
        return "" if response.is_error else response.text

    def content(self, path: str, /, **params: str) -> bytes:
        """GET bytes; none when it is refused."""
        response = self._send("GET", path, None, params)
        return b"" if response.is_error else response.content

    def status(self, path: str) -> int:
        """The status that GET answers, whatever it is. Raises ApiError when nothing answers."""
        return self._send("GET", path, None, {}).status_code

    def answers(self, path: str) -> bool:
        """Whether GET succeeds right now."""
        try:
            return self._send("GET", path, None, {}).is_success
        except ApiError:
            return False

    def _parsed(self, response: httpx.Response) -> Any:
        if response.is_error:
            request = response.request
            raise ApiError(
                f"{self.name} answered {response.status_code} to "
                f"{request.method} {request.url.path}: {response.text.strip()[:300]}."
            )
        return response.json() if response.content.strip() else None

    def _send(self, method: str, path: str, body: object, params: dict[str, str]) -> httpx.Response:
        try:
            return self.http.request(method, path, json=body, params=params)
        except httpx.TransportError as error:
            raise ApiError(
                f"{self.name} cannot be reached at {self.http.base_url}.",
                "See whether the cluster is up: ./just status",
            ) from error
