"""The cost of the gateway and the mesh, compared with a direct request.

The client and all programs share the machine's cores, as they do on a node. Traefik and the Envoys
take a part of them, and the ratio includes that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import workload
from bench.figure import Better, Figure, Measure, Pair
from bench.figures.reads import rate
from bench.wrk import Request
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.namespaces import entered
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

_DIRECT = f"http://127.0.0.1:{workload.PORT}"


@contextmanager
def through_gateway(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """Request tasks through Traefik and the sidecar, compared with the service's own port.

    The service reaches its database through two sidecars in both measurements.
    """
    _create_tasks(cluster)
    path, headers = workload.TASKS, workload.headers(cluster)
    yield Pair(
        ours=rate(Request(GATEWAY_URL + path, headers)),
        reference=_rate_inside(cluster.network("task-service"), Request(_DIRECT + path, headers)),
    )


@contextmanager
def through_sidecars(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """Request the stats service's counts with the mesh, compared with the same without a mesh.

    Both measurements use the same program and the same PostgreSQL. With the mesh the request and
    the query each pass two Envoys and mTLS. Without it both stay on loopback.
    """
    _create_tasks(cluster)
    request = Request(f"{_DIRECT}{workload.TASKS}stats", workload.headers(cluster))
    with workload.without_mesh(cluster):
        yield Pair(
            ours=_rate_inside(cluster.network("stats-service"), request),
            reference=_rate_inside(cluster.network("task-db"), request),
        )


def _create_tasks(cluster: ThrowawayCluster) -> None:
    """Start the cluster, and create one task more than a page."""
    cluster.admin("up")
    workload.create_tasks(cluster, workload.PAGE + 1)


def _rate_inside(network: Path, request: Request) -> Measure:
    """Return the measurement of `rate`, made inside a network namespace."""
    with entered(network):
        measure = rate(request)

    def measure_inside(seconds: float) -> float:
        with entered(network):
            return measure(seconds)

    return measure_inside


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
