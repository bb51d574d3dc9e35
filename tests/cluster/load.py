"""Light load from the client: thirty requests a second, a third of them writes."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import httpx

from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine

PASSWORD = "an example passphrase"
INTERVAL_SECONDS = 1 / 30
LIMIT_SECONDS = 30


@dataclass
class Load:
    """What happened. `failed` has the second, the request and the answer of each failure."""

    sent: int = 0
    acknowledged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def client(machine: Machine, name: str) -> httpx.Client:
    """Return a client of a machine's gateway, as a user. Use it in `lab.client()` only."""
    api = httpx.Client(base_url=machine.gateway_url, trust_env=False, timeout=30)
    user = {"username": name, "password": PASSWORD}
    made = api.post("/api/v1/auth/register", json={**user, "email": f"{name}@example.com"})
    assert made.status_code in (201, 409), made.text
    answer = api.post("/api/v1/auth/login", json=user).raise_for_status()
    api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return api


@contextmanager
def running(lab: Laboratory, machine: Machine, name: str) -> Iterator[Load]:
    """Send requests in a thread during the block. Each third one creates a task."""
    load, stop = Load(), threading.Event()

    def send() -> None:
        with lab.client(), closing(client(machine, name)) as api:
            begin = time.monotonic()
            while not stop.is_set():
                _request(api, load, begin)
                stop.wait(max(0, begin + load.sent * INTERVAL_SECONDS - time.monotonic()))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        wait.until("the first request", lambda: load.sent > 0, LIMIT_SECONDS)
        yield load
    finally:
        stop.set()
        thread.join()


def titles(lab: Laboratory, machine: Machine, name: str) -> set[str]:
    """Return the titles of all tasks of a user, through a machine's gateway."""
    found: set[str] = set()
    with lab.client(), closing(client(machine, name)) as api:
        url = "/api/v1/tasks/?limit=200"
        while url:
            page = api.get(url).raise_for_status()
            found |= {task["title"] for task in page.json()}
            url = page.links.get("next", {}).get("url", "")
    return found


def _request(api: httpx.Client, load: Load, begin: float) -> None:
    at, number = time.monotonic(), load.sent
    title = f"task {number}" if number % 3 == 0 else ""
    load.sent += 1
    try:
        if title:
            status = api.post("/api/v1/tasks/", json={"title": title}).status_code
        else:
            status = api.get("/api/v1/tasks/?limit=20").status_code
    except httpx.TransportError as error:
        load.failed.append(f"{at - begin:.1f} s: {title or 'list'}: {error!r}")
        return
    if status == (201 if title else 200):
        load.acknowledged.extend([title] if title else [])
    else:
        load.failed.append(f"{at - begin:.1f} s: {title or 'list'}: {status}")
