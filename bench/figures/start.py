"""The time of `up`, compared with the sum of the start-up times of its programs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench import cluster_programs, workload
from bench.figure import Better, Figure, Pair
from bench.stage import Stage
from tasktracker_cluster.machine import network
from tasktracker_cluster.testing.throwaway import ThrowawayCluster


@contextmanager
def _up(stage: Stage) -> Iterator[Pair]:
    """Measure `up` with tools, release and volumes ready. Stopping is not measured."""
    cluster = stage.cluster
    cluster.admin("up")
    yield Pair(
        ours=lambda _: seconds_to_first_task(cluster), reference=lambda _: seconds_in_sum(cluster)
    )


def seconds_to_first_task(cluster: ThrowawayCluster) -> float:
    """Return the seconds from the start of `up` until a task was created at the gateway."""
    cluster.admin("down")
    start = time.perf_counter()
    cluster.admin("up")
    workload.create_tasks(cluster, 1)
    return time.perf_counter() - start


def seconds_in_sum(cluster: ThrowawayCluster) -> float:
    """Start each program alone, one after the other, and return the sum of the seconds."""
    cluster.admin("down")
    network.create_address()  # Nomad's client needs it
    return sum(program.start_seconds() for program in cluster_programs.of_cluster(cluster.site))


FIGURES = [
    Figure(
        12,
        "up, until a task exists at the gateway",
        "each of its programs alone, summed up",
        Better.LOWER,
        1.8,
        _up,
        most_rounds=3,
    )
]
