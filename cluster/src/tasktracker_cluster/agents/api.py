"""An HTTP client for an agent's API, with errors that an operator can read."""

import ssl
import time
from typing import Any

import httpx

from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.machine.wait import POLL_SECONDS

# Nomad's servers keep connections to each other. A broken one is found by the next call that is
# passed on over it. This call fails with one of these, and the one after it connects anew.
LOST_CONNECTION = ("rpc error: stream closed", "rpc error: session shutdown", "rpc error: EOF")
TRIES = 3  # as many as a cluster has servers
# The servers of Consul or Nomad elect a leader, or have lost the one that was asked. The agents
# keep a call for five to seven seconds before they say so.
NO_LEADER = ("No cluster leader", "No path to region", "No known Consul servers")
LOST_LEADER = (
    *LOST_CONNECTION,
    *("rpc error making call: EOF", "rpc error getting client", "failed to get conn"),
    *("leadership lost", "node is not the leader", "raft is already shutdown"),
    *("Raft leader not found", "timed out enqueuing operation"),
    "Not ready to serve consistent reads",  # one that has just begun to lead
    *("keepalive timeout", "connection write timeout", "i/o deadline reached", "connection reset"),
    "lead thread didn't get connection",
)
# No server reaches the Nomad of another machine: it starts again, or is lost. The status is 404.
NO_NODE = ("No path to node",)
KEYS = "/v1/kv/"
PATIENCE_SECONDS = 20  # a busy machine elects more than once


class Api:
    """A client for JSON over HTTP. It repeats a GET that found a lost connection between servers.

    `name` is the agent's name for messages. `headers` contain the token. `timeout` is in seconds.
    `tls` contains the trusted authority and the client's certificate: `https` addresses need it.
    `patience` is in seconds: so long it sends a request again while the servers elect a leader. It
    is 0 for commands that tell how the cluster is. They must say at once that there is no leader.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        headers: dict[str, str],
        timeout: float = 10,
        tls: ssl.SSLContext | None = None,
        patience: float = 0,
    ) -> None:
        self.name = name
        self.patience = patience
        # An agent may be restarted at any time: no connection is kept after its response.
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
        """Send a request and return the parsed JSON, or None for an empty response.

        Raises ApiError when the agent refuses it or cannot be reached.
        """
        return self._parse(self._send_patiently(method, path, body, params))

    def find(self, path: str, /, **params: str) -> Any:
        """GET JSON, or None for 404, at once. Raises ApiError for any other refusal.

        None is also the answer for what is on a machine that no server reaches.
        """
        response = self._send_patiently("GET", path, None, params, answer=httpx.codes.NOT_FOUND)
        return None if response.status_code == httpx.codes.NOT_FOUND else self._parse(response)

    def text(self, path: str, /, **params: str) -> str:
        """GET plain text, empty when it is refused. Raises ApiError when nothing answers."""
        response = self._send("GET", path, None, params)
        return "" if response.is_error else response.text

    def content(self, path: str, /, **params: str) -> bytes:
        """GET bytes, empty when it is refused. Raises ApiError when nothing answers."""
        response = self._send("GET", path, None, params)
        return b"" if response.is_error else response.content

    def status(self, path: str) -> int:
        """GET the status code of a path. Raises ApiError when nothing answers."""
        return self._send("GET", path, None, {}).status_code

    def answers(self, path: str) -> bool:
        """Return whether GET succeeds now."""
        try:
            return self._send("GET", path, None, {}).is_success
        except ApiError:
            return False

    def _parse(self, response: httpx.Response) -> Any:
        if response.is_error:
            request = response.request
            raise ApiError(
                f"{self.name} answered {response.status_code} to "
                f"{request.method} {request.url.path}: {response.text.strip()[:300]}.",
                passes=_passes(response),
            )
        return response.json() if response.content.strip() else None

    def _send_patiently(
        self, method: str, path: str, body: object, params: dict[str, str], answer: int = 200
    ) -> httpx.Response:
        """Send a request, and again while the servers elect. The status `answer` ends that.

        A write may have been done when its leader was lost. It is repeated only where that changes
        nothing: a key of Consul gets the same value once more.
        """
        deadline = time.monotonic() + self.patience
        while True:
            response = self._send(method, path, body, params)
            is_harmless = method == "GET" or (path.startswith(KEYS) and "cas" not in params)
            may_repeat = is_harmless or _says(response, NO_LEADER)
            passes = response.status_code != answer and _passes(response)
            if not (may_repeat and passes) or time.monotonic() >= deadline:
                return response
            time.sleep(POLL_SECONDS)

    def _send(self, method: str, path: str, body: object, params: dict[str, str]) -> httpx.Response:
        try:
            for _ in range(TRIES):
                response = self.http.request(method, path, json=body, params=params)
                if method != "GET" or not _found_lost_connection(response):
                    break
        except httpx.TransportError as error:
            raise ApiError(
                f"{self.name} cannot be reached at {self.http.base_url}.",
                "Check whether the cluster is up: ./just status",
                passes=True,
            ) from error
        return response


def _passes(response: httpx.Response) -> bool:
    """Return whether the agent may answer the same request a second later."""
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS or _says(response, NO_NODE):
        return True
    return response.is_server_error and _says(response, (*NO_LEADER, *LOST_LEADER))


def _says(response: httpx.Response, texts: tuple[str, ...]) -> bool:
    return response.is_error and any(text in response.text for text in texts)


def _found_lost_connection(response: httpx.Response) -> bool:
    is_fault = response.status_code == httpx.codes.INTERNAL_SERVER_ERROR
    return is_fault and response.text.strip().endswith(LOST_CONNECTION)
