"""The figures of a whole cluster can be measured. Their values are not tested."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from bench.figure import Pair
from bench.figures import mesh, start
from tasktracker_cluster.testing.throwaway import ThrowawayCluster


@pytest.mark.parametrize("figure", [mesh.through_gateway, mesh.through_sidecars])
def test_both_ways_to_the_task_service_are_measured(
    cluster: ThrowawayCluster, figure: Callable[[ThrowawayCluster], AbstractContextManager[Pair]]
) -> None:
    with figure(cluster) as pair:
        assert pair.ours(1) > 0
        assert pair.reference(1) > 0


@pytest.mark.drill
def test_every_program_starts_alone_and_all_start_together(cluster: ThrowawayCluster) -> None:
    try:
        assert start.seconds_in_sum(cluster) > 0
    finally:
        assert start.seconds_to_first_task(cluster) > 0
