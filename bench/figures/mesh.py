"""What lies between a caller and the task service, against nothing in between.

The caller and everything that it calls share the machine's cores, as they do on a node. What stands
in between takes its part of them, and the ratio shows that too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import tenants
from bench.figure import Better, Figure, Measure, Pair
from bench.figures.reads import rate
from bench.wrk import Request
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.namespaces import entered
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

_DIRECT = f"http://127.0.0.1:{tenants.PORT}"


@contextmanager
def through_gateway(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """The same instance, asked through Traefik and its sidecar, and at its own port.

    Its database is behind two sidecars both times.
    """
    _create_tasks(cluster)
    path, headers = tenants.TASKS, tenants.headers(cluster)
    yield Pair(
        ours=rate(Request(GATEWAY_URL + path, headers)),
        reference=_rate_inside(cluster.network("task-service"), Request(_DIRECT + path, headers)),
    )


@contextmanager
def through_sidecars(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """The stats service's request to the task service, from its network, with and without a mesh.

    Either way it comes to one program of ours and to the same PostgreSQL. With the mesh each of
    the two ways leads through two Envoys and mTLS, without it from loopback to loopback.
    """
    _create_tasks(cluster)
    request = Request(f"{_DIRECT}{tenants.TASKS}stats", tenants.headers(cluster))
    with tenants.without_mesh(cluster):
        yield Pair(
            ours=_rate_inside(cluster.network("stats-service"), request),
            reference=_rate_inside(cluster.network("task-db"), request),
        )


def _create_tasks(cluster: ThrowawayCluster) -> None:
    """Start the cluster, and have a full page in it and a next one."""
    cluster.admin("up")
    tenants.create_tasks(cluster, tenants.PAGE + 1)


def _rate_inside(network: Path, request: Request) -> Measure:
    """`rate`, from within a network namespace."""
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
        0.80,
        lambda stage: through_gateway(stage.cluster),
    ),
    Figure(
        8,
        "counts for stats-service, in the mesh",
        "without a sidecar, to PostgreSQL as well",
        Better.HIGHER,
        0.65,
        lambda stage: through_sidecars(stage.cluster),
    ),
]
