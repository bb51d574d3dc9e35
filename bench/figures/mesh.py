"""The cost of the gateway and the mesh, compared with a direct request.

The client and all programs share the machine's cores, as they do on a node. Traefik and the Envoys
take a part of them, and the ratio includes that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import cluster_pids, workload
from bench.figure import Better, Figure, Measure, Pair
from bench.figures.reads import CONNECTIONS, rate
from bench.processor import Metered, Programs
from bench.wrk import Load, Request, load
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.namespaces import entered
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

DIRECT = f"http://127.0.0.1:{workload.PORT}"


@contextmanager
def through_gateway(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """Request tasks through Traefik and the sidecar, compared with the service's own port.

    The service reaches its database through two sidecars in both measurements.
    """
    create_tasks(cluster)
    path, headers = workload.TASKS, workload.headers(cluster)
    yield Pair(
        ours=rate(Request(GATEWAY_URL + path, headers), cluster_pids.behind_gateway(cluster)),
        reference=rate_inside(
            cluster.network("task-service"),
            Request(DIRECT + path, headers),
            cluster_pids.in_mesh(cluster),
        ),
    )


@contextmanager
def through_sidecars(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """Request the stats service's counts with the mesh, compared with the same without a mesh.

    Both measurements use the same program and the same PostgreSQL. With the mesh the request and
    the query each pass two Envoys and mTLS. Without it both stay on loopback.
    """
    create_tasks(cluster)
    request = Request(f"{DIRECT}{workload.TASKS}stats", workload.headers(cluster))
    with workload.without_mesh(cluster):
        yield Pair(
            ours=rate_inside(
                cluster.network("stats-service"), request, cluster_pids.of_stats_service(cluster)
            ),
            reference=rate_inside(
                cluster.network("task-db"), request, cluster_pids.without_mesh(cluster)
            ),
        )


def create_tasks(cluster: ThrowawayCluster) -> None:
    """Start the cluster, and create one task more than a page."""
    cluster.admin("up")
    workload.create_tasks(cluster, workload.PAGE + 1)


def rate_inside(network: Path, request: Request, programs: Programs) -> Measure:
    """Return the measurement of `rate`, made inside a network namespace."""

    def load_inside(seconds: float) -> Load:
        with entered(network):
            return load(request, connections=CONNECTIONS, seconds=seconds)

    with entered(network):
        request.check()
    return Metered(load_inside, programs)


FIGURES = [
    Figure(
        7,
        "list of 50 through the gateway",
        "the same instance at its own port",
        Better.HIGHER,
        0.60,
        lambda stage: through_gateway(stage.cluster),
    ),
    Figure(
        8,
        "counts for stats-service, in the mesh",
        "without a sidecar, to PostgreSQL as well",
        Better.HIGHER,
        0.60,
        lambda stage: through_sidecars(stage.cluster),
    ),
]
