"""What is killed comes back by itself, and no acknowledged write is lost."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tasktracker_cli.admin import jobs, machine, processes, shell, wait
from tests.e2e.cluster import Cluster, User

# A Nomad client writes its allocations' networks down once a minute. After a kill -9 it drops those
# that it does not find there (docs/decisions/0003-raw-exec.md), so they must be older than that.
SAVED_SECONDS = 65

LIMIT_SECONDS = 60  # generous: a machine may be busy. Figures are the drills' business.


@pytest.fixture(scope="module")
def grace(cluster: Cluster) -> User:
    return cluster.user("grace")


@dataclass
class Traffic:
    """What a client that writes all the time was told."""

    acknowledged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@contextmanager
def writing(client: httpx.Client) -> Iterator[Traffic]:
    """Create tasks in a thread for as long as the block lasts."""
    traffic, stop = Traffic(), threading.Event()

    def write() -> None:
        while not stop.is_set():
            title = f"task {len(traffic.acknowledged) + len(traffic.failed)}"
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
    """The titles of all of a user's tasks, page after page."""
    found: set[str] = set()
    url = "/api/v1/tasks/?limit=200"
    while url:
        page = client.get(url).raise_for_status()
        found |= {task["title"] for task in page.json()}
        url = page.links.get("next", {}).get("url", "")
    return found


def postmaster(cluster: Cluster, database: str) -> int:
    pid_file = Path(cluster.site.volume(database), "data", "postmaster.pid")
    return int(pid_file.read_text().split()[0])


@pytest.mark.parametrize("agent", ["consul", "nomad"])
def test_a_killed_agent_is_back_and_no_request_fails(
    cluster: Cluster, grace: User, agent: str
) -> None:
    wait.until("allocations that Nomad has saved", lambda: _saved(cluster), SAVED_SECONDS * 2)
    databases = {name: postmaster(cluster, name) for name in ("user-db", "task-db")}
    application = cluster.service_pid("task_service")
    with grace.http() as client:
        with writing(client) as traffic:
            wait.until("some writes", lambda: len(traffic.acknowledged) > 5, LIMIT_SECONDS)
            old = cluster.agent_pid(agent)
            os.kill(old, signal.SIGKILL)
            wait.until(
                f"a new {agent}", lambda: cluster.agent_pid(agent) not in (0, old), LIMIT_SECONDS
            )
            so_far = len(traffic.acknowledged)
            api = cluster.consul if agent == "consul" else cluster.nomad
            wait.until("a leader", lambda: api.answers("/v1/status/leader"), LIMIT_SECONDS)
            wait.until(
                "more writes", lambda: len(traffic.acknowledged) > so_far + 20, LIMIT_SECONDS
            )
        assert set(traffic.acknowledged) <= titles(client)
    assert traffic.failed == []
    assert {name: postmaster(cluster, name) for name in databases} == databases
    assert cluster.service_pid("task_service") == application
    wait.until(
        "health", lambda: cluster.admin("status", check=False).returncode == 0, LIMIT_SECONDS
    )


def test_a_killed_application_is_back_and_loses_nothing(cluster: Cluster) -> None:
    old = cluster.service_pid("task_service")
    with cluster.user("heidi").http() as client:
        with writing(client) as traffic:
            wait.until("some writes", lambda: len(traffic.acknowledged) > 5, LIMIT_SECONDS)
            os.kill(old, signal.SIGKILL)
            wait.until(
                "a new process",
                lambda: cluster.service_pid("task_service") not in (0, old),
                LIMIT_SECONDS,
            )
            so_far = len(traffic.acknowledged)
            wait.until("more writes", lambda: len(traffic.acknowledged) > so_far, LIMIT_SECONDS)
        assert set(traffic.acknowledged) <= titles(client)


def test_a_killed_database_is_back_and_loses_nothing(cluster: Cluster) -> None:
    old = postmaster(cluster, "task-db")
    with cluster.user("ivan").http() as client:
        with writing(client) as traffic:
            wait.until("some writes", lambda: len(traffic.acknowledged) > 5, LIMIT_SECONDS)
            os.kill(old, signal.SIGKILL)
            so_far = len(traffic.acknowledged)
            wait.until("more writes", lambda: len(traffic.acknowledged) > so_far + 5, LIMIT_SECONDS)
        assert postmaster(cluster, "task-db") != old
        assert set(traffic.acknowledged) <= titles(client)


def test_after_a_loss_of_power_up_brings_every_task_back(cluster: Cluster) -> None:
    user = cluster.user("mallory")
    user.run("task", "create", "Survive")
    for orphan in processes.of_site(cluster.site):
        with suppress(ProcessLookupError):
            os.kill(orphan.pid, signal.SIGKILL)
    wait.until("silence", lambda: not processes.of_site(cluster.site), LIMIT_SECONDS)
    _forget_what_was_in_memory(cluster)
    cluster.admin("up")
    assert [task["title"] for task in user.json("task", "list")] == ["Survive"]


def _forget_what_was_in_memory(cluster: Cluster) -> None:
    """Unmount the secrets' file systems, and remove the namespaces and interfaces."""
    machine.unmount_below(cluster.home)
    for folder in (cluster.home / "nomad" / "alloc").iterdir():
        if Path("/run/netns", folder.name).exists():
            shell.run(["ip", "netns", "delete", folder.name])
    machine.remove_interfaces()


def test_while_a_service_is_away_the_gateway_says_so(cluster: Cluster) -> None:
    with cluster.user("judy").http() as client:
        cluster.nomad.call("DELETE", "/v1/job/stats-service")
        answer = wait.until(
            "503 from the portal",
            lambda: _if_status(client.get("/api/v1/stats/"), 503),
            LIMIT_SECONDS,
        )
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"]
        assert client.get("/api/v1/tasks/").status_code == 200
        assert cluster.admin("status", check=False).returncode == 1
        cluster.admin("up")
        assert client.get("/api/v1/stats/").status_code == 200


def _saved(cluster: Cluster) -> bool:
    created = [cluster.allocation(job)["CreateTime"] for job in jobs.names()]
    return bool(time.time() - max(created) / 1e9 > SAVED_SECONDS)


def _if_status(answer: httpx.Response, status: int) -> httpx.Response | None:
    return answer if answer.status_code == status else None
