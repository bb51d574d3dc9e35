"""Continuous writes during a fault, and their results."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx


@dataclass
class Traffic:
    """The titles that were acknowledged, and the writes that failed."""

    acknowledged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@contextmanager
def writing(client: httpx.Client) -> Iterator[Traffic]:
    """Create tasks in a thread during the block, with titles that no other block gives."""
    traffic, stop = Traffic(), threading.Event()
    block = secrets.token_hex(4)

    def write() -> None:
        while not stop.is_set():
            title = f"task {block} {len(traffic.acknowledged) + len(traffic.failed)}"
            try:
                answer = client.post("/api/v1/tasks/", json={"title": title})
            except httpx.TransportError as error:
                traffic.failed.append(f"{title}: {error!r}")
                continue
            if answer.status_code == 201:
                traffic.acknowledged.append(title)
            else:
                traffic.failed.append(f"{title}: {answer.status_code}")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield traffic
    finally:
        stop.set()
        thread.join()


def titles(client: httpx.Client) -> set[str]:
    """Return the titles of all tasks of a user, from all pages."""
    found: set[str] = set()
    url = "/api/v1/tasks/?limit=200"
    while url:
        page = client.get(url).raise_for_status()
        found |= {task["title"] for task in page.json()}
        url = page.links.get("next", {}).get("url", "")
    return found
