"""The figures of a whole cluster can be measured. Their values are not tested."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from bench import bare_chain, workload
from bench.errors import BenchError
from bench.figure import Pair
from bench.figures import idle, mesh, neighbours, start
from bench.wrk import Request
from tasktracker_cluster.testing.namespaces import entered
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tasktracker_cluster.topology import SERVICES

SECONDS = 3  # in which a busy machine answers some requests


@pytest.mark.parametrize(
    "figure",
    [
        mesh.through_gateway,
        mesh.through_sidecars,
        pytest.param(neighbours.beside_nginx, marks=pytest.mark.drill),
        pytest.param(neighbours.beside_bare_chain, marks=pytest.mark.drill),
    ],
)
def test_both_ways_to_the_task_service_are_measured(
    cluster: ThrowawayCluster, figure: Callable[[ThrowawayCluster], AbstractContextManager[Pair]]
) -> None:
    with figure(cluster) as pair:
        assert pair.ours(SECONDS) > 0
        assert pair.reference(SECONDS) > 0


@pytest.mark.parametrize("figure", [idle.processor, idle.memory])
def test_what_an_idle_cluster_uses_is_measured_and_printed_for_each_kind_of_process(
    cluster: ThrowawayCluster,
    figure: Callable[[ThrowawayCluster], AbstractContextManager[Pair]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with figure(cluster) as pair:
        assert pair.ours(0.05) > 0

    table = capsys.readouterr().out
    kinds = ("Consul agent", "Nomad agent", "sidecars", "PostgreSQL", "Traefik", "pages proxy")
    for kind in (*kinds, *(service.name for service in SERVICES)):
        assert kind in table


@pytest.mark.drill
def test_the_bare_chain_refuses_what_the_mesh_refuses(cluster: ThrowawayCluster) -> None:
    with bare_chain.running(cluster, f"{workload.TASKS}stats"):
        request = Request(bare_chain.URL + workload.TASKS, workload.headers(cluster))
        with entered(cluster.network(bare_chain.CALLER)), pytest.raises(BenchError, match="403"):
            request.check()


@pytest.mark.drill
def test_every_program_starts_alone_and_all_start_together(cluster: ThrowawayCluster) -> None:
    try:
        assert start.seconds_in_sum(cluster) > 0
    finally:
        assert start.seconds_to_first_task(cluster) > 0
