"""The logs of the cluster's tasks, as files.

Nomad's log collector writes them, so a line arrives later than its event: wait for it.
"""

from pathlib import Path

import httpx

from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

LIMIT_SECONDS = 180  # for a machine with every core loaded

# A public path of each service. The service logs its requests.
PATHS = {
    "user-service": "/api/v1/auth/me",
    "task-service": "/api/v1/tasks/",
    "stats-service": "/api/v1/stats/",
    "portal": "/",
}


def files(cluster: ThrowawayCluster) -> list[Path]:
    """Return both streams of every task, with those of allocations that have ended."""
    logs = cluster.site.home.glob("nomad/alloc/*/alloc/logs/*.std*")
    return [path for path in logs if path.is_file()]


def lines(cluster: ThrowawayCluster, job: str, task: str, text: str) -> list[str]:
    """Wait until a task of a running job has logged `text`, and return the lines that have it.

    Raises NotReadyError when it has not done so in that time.
    """
    allocation = cluster.allocation(job)["ID"]
    folder = cluster.site.home / "nomad" / "alloc" / allocation / "alloc" / "logs"

    def found() -> list[str] | None:
        logs = [path.read_text(errors="replace") for path in folder.glob(f"{task}.std*")]
        return [line for log in logs for line in log.splitlines() if text in line] or None

    return wait.until(f"{text!r} in the log of {job}", found, LIMIT_SECONDS)


def wait_until_written(cluster: ThrowawayCluster) -> None:
    """Wait until everything that the services have logged is in the files.

    This sends a last request to each service, whose line comes after all others.
    """
    for service, path in PATHS.items():
        answer = httpx.get(f"{GATEWAY_URL}{path}", trust_env=False, timeout=LIMIT_SECONDS)
        lines(cluster, service, "app", answer.headers["X-Request-ID"])
