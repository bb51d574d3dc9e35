"""A user of the gateway, and continuous requests during a fault."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import GATEWAY_URL

PASSWORD = "an example passphrase"
LIMIT = 180  # seconds
PAUSE = 0.01  # seconds between two requests


def gateway() -> httpx.Client:
    return httpx.Client(base_url=GATEWAY_URL, trust_env=False, timeout=60)


def register(client: httpx.Client, name: str) -> None:
    """Register a user, and give the client the user's login."""
    user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert client.post("/api/v1/auth/register", json=user).status_code == 201
    log_in(client, name)


def log_in(client: httpx.Client, name: str) -> None:
    """Give the client the user's login."""
    login = client.post("/api/v1/auth/login", json={"username": name, "password": PASSWORD})
    assert login.status_code == 200, login.text
    client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"


@dataclass
class Traffic:
    """The answers to continuous requests: their statuses, 0 for no answer."""

    answers: list[tuple[float, int]] = field(default_factory=list)  # seconds on a clock, status

    @property
    def statuses(self) -> Counter[int]:
        return Counter(status for _, status in self.answers)

    def wait_for_more(self, count: int = 100) -> None:
        """Wait for more answers, of any status. Raises NotReadyError when they do not come."""
        wanted = len(self.answers) + count
        wait.until("more answers", lambda: len(self.answers) >= wanted, LIMIT)

    @property
    def failed(self) -> int:
        return self.statuses.total() - self.statuses[200]

    @property
    def outage(self) -> float:
        """Seconds from the first failure to the first success after the last one."""
        bad = [position for position, (_, status) in enumerate(self.answers) if status != 200]
        if not bad:
            return 0
        return self.answers[min(bad[-1] + 1, len(self.answers) - 1)][0] - self.answers[bad[0]][0]

    def __str__(self) -> str:
        return (
            f"{self.failed} of {len(self.answers)} failed, for {self.outage:.1f} s: {self.statuses}"
        )


@contextmanager
def traffic(client: httpx.Client, path: str) -> Iterator[Traffic]:
    """Send requests for the path, one after the other, during the block."""
    seen, stop = Traffic(), threading.Event()

    def ask() -> None:
        while not stop.wait(PAUSE):
            try:
                status = client.get(path).status_code
            except httpx.TransportError:
                status = 0
            seen.answers.append((time.monotonic(), status))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
