"""Gateway and mesh compared with other programs, and configurations, that do the same work."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import bare_chain, cluster_pids, nginx, workload
from bench.figure import Better, Figure, Pair
from bench.figures.mesh import DIRECT, create_tasks, rate_inside
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


@contextmanager
def beside_bare_chain(cluster: ThrowawayCluster) -> Iterator[Pair]:
    """Request the stats service's counts in the mesh, compared with Envoys of our own."""
    create_tasks(cluster)
    path, headers = f"{workload.TASKS}stats", workload.headers(cluster)
    network = cluster.network(bare_chain.CALLER)
    with bare_chain.running(cluster, path):
        yield Pair(
            ours=rate_inside(
                network, Request(DIRECT + path, headers), cluster_pids.of_stats_service(cluster)
            ),
            reference=rate_inside(
                network,
                Request(bare_chain.URL + path, headers),
                cluster_pids.of_bare_chain(cluster),
            ),
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
    Figure(
        8,
        "counts, the mesh beside bare Envoys",
        "static Envoys with mTLS and one rule",
        Better.HIGHER,
        0.95,
        lambda stage: beside_bare_chain(stage.cluster),
    ),
]
