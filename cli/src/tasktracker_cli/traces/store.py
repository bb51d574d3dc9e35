"""The store of traces: Jaeger, beside the gateway."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from tasktracker_cli.errors import BadAnswerError, UnavailableError
from tasktracker_cli.traces import hops
from tasktracker_cli.traces.context import Trace
from tasktracker_cli.traces.hops import Span

TIME_LIMIT = 5.0  # seconds, for one answer
PATIENCE = 12.0  # seconds, until all hops have sent their spans
# From the first span that comes. The gateway and each sidecar send theirs every five seconds, each
# in its own time. So what looks complete before may lack all that the later ones will send.
SENDING = 5.5  # seconds
INTERVAL = 0.25  # seconds


class Store:
    """Asks for traces at an address like http://localhost:16686."""

    def __init__(self, url: str) -> None:
        self._url = url

    def wait_for(
        self, trace: Trace, patience: float = PATIENCE, sending: float = SENDING
    ) -> list[Span]:
        """Return the spans of a trace when all have come, or those that came within `patience`.

        `sending` is how long to wait for more after the first one. Both are in seconds.
        Raises UnavailableError if no store answers, BadAnswerError if it is no store of traces.
        """
        end = time.monotonic() + patience
        first: float | None = None
        while True:
            found = self._find(trace.identifier)
            now = time.monotonic()
            if found and first is None:
                first = now
            sent = first is not None and now >= first + sending
            complete = sent and hops.is_complete(found, trace.parent, trace.requests)
            if complete or now > end:
                return found
            time.sleep(INTERVAL)

    def _find(self, identifier: str) -> list[Span]:
        status, body = self._get(f"/api/traces/{identifier}")
        if status == 404:
            return []
        try:
            return hops.read(json.loads(body))
        except (KeyError, TypeError, ValueError):
            raise BadAnswerError(f"What answers at {self._url} is no store of traces.") from None

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection(urlsplit(self._url).netloc, timeout=TIME_LIMIT)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException, UnicodeError):  # the last for a name that can be no host's
            raise UnavailableError(
                f"No store of traces answers at {self._url}.",
                "Where the cluster runs, start one with: ./just observe --traces",
            ) from None
        finally:
            connection.close()
