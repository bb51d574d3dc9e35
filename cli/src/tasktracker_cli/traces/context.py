"""The trace that the requests of one run are parts of."""

from __future__ import annotations

import os


class Trace:
    """A new trace. `requests` is how many requests have been sent in it."""

    def __init__(self) -> None:
        self.identifier = os.urandom(16).hex()
        self.parent = os.urandom(8).hex()  # the span that the gateway's spans begin below
        self.requests = 0

    @property
    def headers(self) -> dict[str, str]:
        """The header that makes every hop of a request store a span (W3C Trace Context)."""
        return {"traceparent": f"00-{self.identifier}-{self.parent}-01"}
