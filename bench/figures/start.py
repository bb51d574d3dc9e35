"""What bringing a whole cluster up takes, against the start of each of its programs alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench import parts, tenants
from bench.figure import Better, Figure, Pair
from bench.stage import Stage
from tasktracker_cluster.machine import network
from tasktracker_cluster.testing.throwaway import ThrowawayCluster


@contextmanager
def _up(stage: Stage) -> Iterator[Pair]:
    """Tools, release and volumes are ready, and nothing runs. Stopping is not measured."""
    cluster = stage.cluster
    cluster.admin("up")
    yield Pair(
        ours=lambda _: until_a_task_exists(cluster), reference=lambda _: of_all_parts(cluster)
    )


def until_a_task_exists(cluster: ThrowawayCluster) -> float:
    """From the start of `up` until somebody has created a task at the gateway, in seconds."""
    cluster.admin("down")
    start = time.perf_counter()
    cluster.admin("up")
    tenants.create_tasks(cluster, 1)
    return time.perf_counter() - start


def of_all_parts(cluster: ThrowawayCluster) -> float:
    """The sum of the times that each program takes alone, one after the other, in seconds."""
    cluster.admin("down")
    network.create_address()  # which Nomad's client needs
    return sum(part.start_seconds() for part in parts.of_cluster(cluster.site))


FIGURES = [
    Figure(
        12,
        "up, until a task exists at the gateway",
        "each of its programs alone, summed up",
        Better.LOWER,
        1.5,
        _up,
        most_rounds=3,
    )
]
