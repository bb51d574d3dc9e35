"""Fifty writes a second from a client, whatever becomes of each, with the time of each answer."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import httpx

from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tests.cluster import load

WORKERS = 25
INTERVAL_SECONDS = 0.5  # of each worker
TIMEOUT_SECONDS = 20  # longer than every limit on the way: each write has an answer
LIMIT_SECONDS = 60


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
    place, history = inside or lab.client, History()
    stop, lock = threading.Event(), threading.Lock()
    with lab.client(), closing(load.client(machines[0], user)) as api:
        headers = dict(api.headers)

    def work(worker: int) -> None:
        with place(), httpx.Client(
            headers=headers, trust_env=False, timeout=TIMEOUT_SECONDS
        ) as client:  # fmt: skip
            stop.wait(worker * INTERVAL_SECONDS / WORKERS)
            for number in range(1_000_000):
                if stop.is_set():
                    return
                sent = time.monotonic()
                title = f"{user} {worker} {number}"
                error = _send(client, machines[(worker + number) % len(machines)], title)
                with lock:
                    history.sent += 1
                    if error:
                        history.refused.append((time.monotonic(), error))
                    else:
                        history.acknowledged.append((time.monotonic(), title))
                stop.wait(max(0, sent + INTERVAL_SECONDS - time.monotonic()))

    with ThreadPoolExecutor(WORKERS) as pool:
        working = [pool.submit(work, worker) for worker in range(WORKERS)]
        try:
            wait.until("the first write", lambda: history.acknowledged, LIMIT_SECONDS)
            yield history
        finally:
            stop.set()
        for each in working:
            each.result()


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


def stored(lab: Laboratory, user: str) -> Counter[str]:
    """Return how often each title of a user is stored."""
    found: Counter[str] = Counter()
    with lab.client(), closing(load.client(lab.machines[0], user)) as api:
        url = "/api/v1/tasks/?limit=200"
        while url:
            page = api.get(url).raise_for_status()
            found.update(task["title"] for task in page.json())
            url = page.links.get("next", {}).get("url", "")
    return found
