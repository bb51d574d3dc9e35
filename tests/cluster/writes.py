"""Fifty writes a second from a client, whatever becomes of each, with the time of each answer."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import httpx

from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tests.cluster import load

WORKERS = 25
TIMEOUT_SECONDS = 20  # longer than every limit on the way: each write has an answer
LIMIT_SECONDS = 150  # longer than the longest gap that is allowed (test_failovers.py)


@dataclass
class History:
    """`acknowledged` has the time and the title of each write, `refused` the time and the answer.

    A write without an answer, or with another than 201, may be stored or not.
    """

    sent: int = 0
    acknowledged: list[tuple[float, str]] = field(default_factory=list)
    refused: list[tuple[float, str]] = field(default_factory=list)

    def longest_gap(self) -> float:
        """Return the longest time between two acknowledgements, in seconds."""
        times = sorted(moment for moment, _ in self.acknowledged)
        return max((b - a for a, b in pairwise(times)), default=0)

    def wait_for_more(self, what: str) -> None:
        """Wait until a write is acknowledged that was sent after now."""
        begin = time.monotonic()
        sent = self.sent + WORKERS

        def has_more() -> bool:
            return any(moment > begin for moment, _ in self.acknowledged) and self.sent > sent

        wait.until(f"an acknowledged write {what}", has_more, LIMIT_SECONDS)


@contextmanager
def running(
    lab: Laboratory,
    machines: Sequence[Machine],
    user: str,
    inside: Callable[[], AbstractContextManager[None]] | None = None,
) -> Iterator[History]:
    """Write to the gateways of these machines in turn, as a new user, during the block.

    The writes come from the client's network, or from the one that `inside` enters.
    """
    history, lock = History(), threading.Lock()
    with lab.client(), closing(load.client(machines[0], user)) as api:
        headers = dict(api.headers)

    def send(client: httpx.Client, worker: int, number: int) -> None:
        title = f"{user} {worker} {number}"
        error = _send(client, machines[(worker + number) % len(machines)], title)
        with lock:
            history.sent += 1
            if error:
                history.refused.append((time.monotonic(), error))
            else:
                history.acknowledged.append((time.monotonic(), title))

    with load.senders(WORKERS, inside or lab.client, headers, TIMEOUT_SECONDS, send):
        wait.until("the first write", lambda: history.acknowledged, LIMIT_SECONDS)
        yield history


def _send(client: httpx.Client, machine: Machine, title: str) -> str:
    """Send a write, and return what was wrong with the answer."""
    try:
        answer = client.post(f"{machine.gateway_url}/api/v1/tasks/", json={"title": title})
    except httpx.TransportError as error:
        return type(error).__name__
    if answer.status_code == 201:
        return ""
    hint = "" if "Retry-After" in answer.headers else " without Retry-After"
    return f"{answer.status_code}{hint}"
