"""The gateway compared with another program that does the same work."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import cluster_pids, nginx, workload
from bench.figure import Better, Figure, Pair
from bench.figures.mesh import create_tasks
from bench.figures.reads import rate
from bench.wrk import Request
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster


@contextmanager
def beside_nginx(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """Request tasks through Traefik, compared with nginx before the same sidecar."""
    create_tasks(cluster)
    path, headers = workload.TASKS, workload.headers(cluster)
    with nginx.before(cluster, "task-service") as pid:
        behind_nginx = {"nginx": pid, **cluster_pids.in_mesh(cluster)}
        yield Pair(
            ours=rate(Request(GATEWAY_URL + path, headers), cluster_pids.behind_gateway(cluster)),
            reference=rate(Request(nginx.URL + path, headers), behind_nginx),
        )


FIGURES = [
    Figure(
        7,
        "list of 50, Traefik beside nginx",
        "nginx before the same sidecar",
        Better.HIGHER,
        0.90,
        lambda stage: beside_nginx(stage.cluster),
    ),
]
