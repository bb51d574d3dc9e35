"""The programs of a cluster that take part in a request, for the processor time of each."""

from bench import bare_chain, workload
from bench.processor import Programs
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

_CALLERS, _SERVICES, _DATABASES = "caller's Envoy", "service's Envoy", "database's Envoy"


def behind_gateway(cluster: ThrowawayCluster) -> Programs:
    """Return the programs of a request through Traefik."""
    return {"Traefik": cluster.task_pid("traefik", "traefik"), **in_mesh(cluster)}


def in_mesh(cluster: ThrowawayCluster) -> Programs:
    """Return the programs of a request to the task service's own port."""
    return {
        _SERVICES: cluster.sidecar_pid("task-service"),
        "task-service": cluster.task_pid("task-service", "app"),
        _DATABASES: cluster.sidecar_pid("task-db"),
        **_postgres(cluster),
    }


def of_stats_service(cluster: ThrowawayCluster) -> Programs:
    """Return the programs of a request of the stats service to the task service."""
    return {_CALLERS: cluster.sidecar_pid("stats-service"), **in_mesh(cluster)}


def without_mesh(cluster: ThrowawayCluster) -> Programs:
    """Return the programs of a request to the service of `workload.without_mesh`."""
    return {"task-service": cluster.task_pid(workload.BARE, "app"), **_postgres(cluster)}


def of_bare_chain(cluster: ThrowawayCluster) -> Programs:
    """Return the programs of a request to the service of `bare_chain.running`."""
    tasks = {
        _CALLERS: bare_chain.envoy_of(bare_chain.CALLER),
        _SERVICES: bare_chain.envoy_of(bare_chain.SERVICE),
        "task-service": "app",
        _DATABASES: bare_chain.envoy_of(bare_chain.DATABASE),
    }
    pids = {name: cluster.task_pid(bare_chain.JOB, task) for name, task in tasks.items()}
    return {**pids, **_postgres(cluster)}


def _postgres(cluster: ThrowawayCluster) -> Programs:
    return {"PostgreSQL": cluster.postmaster("task-db")}
