"""Thirty requests a second from the client, whatever becomes of each: a third are writes."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field

import httpx

from tasktracker_cluster.testing.machines import Laboratory, Machine

PASSWORD = "an example passphrase"
WORKERS = 15
INTERVAL_SECONDS = 0.5  # of each worker
TIMEOUT_SECONDS = 30  # longer than the gateway's own limits: its answer is what counts


@dataclass(frozen=True)
class Failure:
    """A request that failed: when it was sent and how long it took, in seconds, and its answer.

    `status` is that of the answer, 0 without one; `detail` is its text, or the error.
    """

    sent: float  # since the begin of all requests
    took: float
    request: str
    status: int
    detail: str


@dataclass
class Report:
    """What happened to all requests."""

    begin: float = field(default_factory=time.monotonic)
    sent: int = 0
    acknowledged: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    @property
    def failing_seconds(self) -> float:
        """The time from the first failure to the last one."""
        seconds = [failure.sent for failure in self.failed]
        return max(seconds) - min(seconds) if seconds else 0


def client(machine: Machine, name: str) -> httpx.Client:
    """Return a client of a machine's gateway, as a user. Use it in `lab.client()` only."""
    api = httpx.Client(base_url=machine.gateway_url, trust_env=False, timeout=TIMEOUT_SECONDS)
    user = {"username": name, "password": PASSWORD}
    made = api.post("/api/v1/auth/register", json={**user, "email": f"{name}@example.com"})
    assert made.status_code in (201, 409), made.text
    answer = api.post("/api/v1/auth/login", json=user).raise_for_status()
    api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return api


@contextmanager
def requests(lab: Laboratory, machines: Sequence[Machine], user: str) -> Iterator[Report]:
    """Send requests to the gateways of these machines in turn, as a new user, during the block."""
    with lab.client(), closing(client(machines[0], user)) as api:
        headers = dict(api.headers)
    report, lock = Report(), threading.Lock()

    def send(api: httpx.Client, worker: int, number: int) -> None:
        sent = time.monotonic() - report.begin
        url = f"{machines[number % len(machines)].gateway_url}/api/v1/tasks/"
        title = f"task {worker} {number}" if (worker + number) % 3 == 0 else ""
        status, detail = _send(api, url, title)
        took = time.monotonic() - report.begin - sent
        with lock:
            report.sent += 1
            if status != (201 if title else 200):
                request = f"{'POST' if title else 'GET'} {url}"
                times = round(sent, 1), round(took, 1)
                report.failed.append(Failure(*times, request, status, detail))
            elif title:
                report.acknowledged.append(title)

    with senders(WORKERS, lab.client, headers, TIMEOUT_SECONDS, send):
        yield report
    assert report.acknowledged


@contextmanager
def senders(
    workers: int,
    inside: Callable[[], AbstractContextManager[None]],
    headers: Mapping[str, str],
    timeout: float,
    send: Callable[[httpx.Client, int, int], None],
) -> Iterator[None]:
    """Let each worker call `send` twice a second during the block, in the network of `inside`.

    It gets a client with the headers and the time limit, the worker's number, and the call's.
    """
    stop = threading.Event()

    def work(worker: int) -> None:
        with inside(), httpx.Client(
            headers=headers, trust_env=False, timeout=timeout
        ) as api:  # fmt: skip
            stop.wait(worker * INTERVAL_SECONDS / workers)
            for number in range(1_000_000):
                if stop.is_set():
                    return
                sent = time.monotonic()
                send(api, worker, number)
                stop.wait(max(0, sent + INTERVAL_SECONDS - time.monotonic()))

    with ThreadPoolExecutor(workers) as pool:
        working = [pool.submit(work, worker) for worker in range(workers)]
        try:
            yield
        finally:
            stop.set()
        for each in working:
            each.result()


def titles(lab: Laboratory, machine: Machine, name: str) -> set[str]:
    """Return the titles of all tasks of a user, through a machine's gateway."""
    return set(stored(lab, machine, name))


def stored(lab: Laboratory, machine: Machine, name: str) -> Counter[str]:
    """Return how often each title of a user is stored, through a machine's gateway."""
    found: Counter[str] = Counter()
    with lab.client(), closing(client(machine, name)) as api:
        url = "/api/v1/tasks/?limit=200"
        while url:
            page = api.get(url).raise_for_status()
            found.update(task["title"] for task in page.json())
            url = page.links.get("next", {}).get("url", "")
    return found


def _send(api: httpx.Client, url: str, title: str) -> tuple[int, str]:
    """Send a request, and return the status and the text of its answer, or 0 and the error."""
    try:
        if title:
            answer = api.post(url, json={"title": title})
        else:
            answer = api.get(url, params={"limit": 5})
    except httpx.TransportError as error:
        return 0, repr(error)
    return answer.status_code, answer.text
