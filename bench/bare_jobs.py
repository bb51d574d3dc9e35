"""Programs that Nomad runs for the benchmark, without a sidecar and without a wall.

Nomad runs them as it runs the cluster's own tasks, so both get the same share of the processor.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasktracker_cluster.agents import variables
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

START_LIMIT = 180  # seconds, for a busy machine

Task = dict[str, Any]  # in the form of Nomad's API


@contextmanager
def running(
    cluster: ThrowawayCluster, job: str, tasks: Sequence[Task], answers: Callable[[], bool]
) -> Iterator[None]:
    """Run tasks as one job during the block, which begins when `answers` returns True."""
    group = {"Name": "bare", "Tasks": tasks}
    definition = {"ID": job, "Datacenters": ["dc1"], "TaskGroups": [group]}
    cluster.nomad.call("PUT", "/v1/jobs", {"Job": definition})
    try:
        wait.until(job, answers, START_LIMIT)
        yield
    finally:
        deployment.stop(cluster.as_operator, job)
        cluster.nomad.call("DELETE", f"/v1/job/{job}", purge="true")


def task_service(cluster: ThrowawayCluster, network: Path, port: int, database: int) -> Task:
    """Return a second task service in a network. `port` and `database` are ports on its loopback.

    Anonymous callers of Nomad can read its secrets in the job. Only the benchmark is in the
    cluster's network.
    """
    items = variables.read(cluster.nomad, "nomad/jobs/task-service/api/app")
    login = f"{items['database_role']}:{items['database_password']}"
    address = f"{login}@127.0.0.1:{database}/task_db"
    settings = {
        "PORT": str(port),
        "JWT_PUBLIC_KEYS": items["jwt_public_keys"],
        "DATABASE_URL": f"postgresql://{address}",
    }
    command: list[str | Path] = [cluster.site.release / "bin" / "python", "-m", "task_service"]
    # As in nomad/jobs/task-service.nomad.hcl.
    return task("app", network, command, settings, cpu=200, memory=256)


def task(
    name: str,
    network: Path,
    command: Sequence[str | Path],
    settings: Mapping[str, str],
    *,
    cpu: int,
    memory: int,
) -> Task:
    """Return a task that runs a command inside a network namespace."""
    return {
        "Name": name,
        "Driver": "raw_exec",
        "User": "root",  # to enter the network
        "Config": {
            "command": "/usr/bin/nsenter",
            "args": [f"--net={network}", "--", *map(str, command)],
            "work_dir": "/",
        },
        "Env": settings,
        "Resources": {"CPU": cpu, "MemoryMB": memory},
    }
