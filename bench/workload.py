"""The caller and the tasks in the benchmark's cluster, and a task service outside the mesh."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bench import tokens
from bench.wrk import Request
from servicekit import keys
from tasktracker_cluster.agents import variables
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.namespaces import entered
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

CALLER = 1_000_000_000
"""The id of no account. The services accept its token, and it owns only the benchmark's tasks."""
TASKS = "/api/v1/tasks/"
TASK = '{"title": "Task", "description": "What there is to do about it, said in some more words."}'
PAGE = 50
PORT = 8002
"""The task service's port in its own network, and in a caller's network the sidecar's for it."""

START_LIMIT = 30  # seconds
_BARE = "task-service-without-mesh"


def headers(cluster: ThrowawayCluster) -> dict[str, str]:
    """Return the Authorization header of `CALLER` in this cluster."""
    signer = _variables(cluster, "user-service")
    key = keys.private(signer["jwt_private_key"], keys.public(signer["jwt_public_keys"]))
    return tokens.bearer(key, CALLER)


def create_tasks(cluster: ThrowawayCluster, number: int) -> None:
    """Create tasks through the gateway. Raises BenchError when one is refused."""
    json = {**headers(cluster), "Content-Type": "application/json"}
    request = Request(GATEWAY_URL + TASKS, json, TASK, method="POST")
    for _ in range(number):
        request.check()


@contextmanager
def without_mesh(cluster: ThrowawayCluster) -> Iterator[None]:
    """Run a second task service in `cluster.network("task-db")`, without sidecars.

    Nomad runs the same program in the same way as in the cluster. Only the mesh is missing.
    """
    cluster.nomad.call("PUT", "/v1/jobs", {"Job": _job(cluster)})
    try:
        with entered(cluster.network("task-db")):
            service = Api("The task service", f"http://127.0.0.1:{PORT}", {})
            wait.until(_BARE, lambda: service.answers("/health"), START_LIMIT)
        yield
    finally:
        deployment.stop(cluster.as_operator, _BARE)
        cluster.nomad.call("DELETE", f"/v1/job/{_BARE}", purge="true")


def _job(cluster: ThrowawayCluster) -> Mapping[str, object]:
    # The job contains secrets that anonymous callers of Nomad can read. Only the benchmark is in
    # the cluster's network.
    items = _variables(cluster, "task-service")
    database = f"task_app:{items['database_password']}@127.0.0.1:5432/task_db"
    python = cluster.site.release / "bin" / "python"
    network = f"--net={cluster.network('task-db')}"
    app = {
        "Name": "app",
        "Driver": "raw_exec",
        "User": "root",  # to enter the network
        "Config": {
            "command": "/usr/bin/nsenter",
            "args": [network, "--", str(python), "-m", "task_service"],
            "work_dir": "/",
        },
        "Env": {
            "PORT": str(PORT),
            "JWT_PUBLIC_KEYS": items["jwt_public_keys"],
            "DATABASE_URL": f"postgresql://{database}",
        },
        "Resources": {"CPU": 200, "MemoryMB": 256},  # as in nomad/jobs/task-service.nomad.hcl
    }
    return {"ID": _BARE, "Datacenters": ["dc1"], "TaskGroups": [{"Name": "api", "Tasks": [app]}]}


def _variables(cluster: ThrowawayCluster, service: str) -> dict[str, str]:
    return variables.read(cluster.nomad, f"nomad/jobs/{service}/api/app")
