"""The caller and the tasks in the benchmark's cluster, and a task service outside the mesh."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import bare_jobs, tokens
from bench.wrk import Request
from servicekit import keys
from tasktracker_cluster.agents import variables
from tasktracker_cluster.agents.api import Api
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

POSTGRES_PORT = 5432  # in the network of its job
BARE = "task-service-without-mesh"


def headers(cluster: ThrowawayCluster) -> dict[str, str]:
    """Return the Authorization header of `CALLER` in this cluster."""
    signer = variables.read(cluster.nomad, "nomad/jobs/user-service/api/app")
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
    network = cluster.network("task-db")
    service = bare_jobs.task_service(cluster, network, PORT, POSTGRES_PORT)
    with bare_jobs.running(cluster, BARE, [service], lambda: answers_inside(network, PORT)):
        yield


def answers_inside(network: Path, port: int) -> bool:
    """Return whether a service answers on the loopback of a network namespace."""
    with entered(network):
        return Api("The task service", f"http://127.0.0.1:{port}", {}).answers("/health")
