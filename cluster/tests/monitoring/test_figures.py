"""monitoring.figures: the figures between two snapshots."""

import pytest

from tasktracker_cluster.monitoring import figures
from tasktracker_cluster.monitoring.figures import Figures, Snapshot
from tasktracker_cluster.monitoring.histogram import Histogram
from tasktracker_cluster.monitoring.status import Row

SERVICE = Row("job", "task-service", "running", 1, 2, "passing")


def histogram(requests: float, errors: float = 0) -> Histogram:
    """Return a histogram whose requests all took between 0 and 0.1 s."""
    return Histogram({0.1: requests, float("inf"): requests}, requests, errors)


def snapshot(
    at: float, requests: Histogram | None, memory: int = 0, connections: int | None = None
) -> Snapshot:
    """Return a snapshot of one service; None for what did not answer."""
    return Snapshot(
        at,
        [SERVICE],
        {} if requests is None else {SERVICE.name: requests},
        {SERVICE.name: memory},
        {} if connections is None else {SERVICE.name: connections},
    )


def between(before: Snapshot, after: Snapshot) -> Figures:
    (line,) = figures.between(before, after)
    return line


def test_requests_and_errors_are_those_that_came_between_the_snapshots() -> None:
    line = between(snapshot(10, histogram(100, 50)), snapshot(14, histogram(120, 51)))
    assert (line.requests_per_second, line.errors_percent) == (5.0, 5.0)
    assert line.p95_ms == pytest.approx(95)


def test_without_a_request_there_is_a_rate_but_neither_errors_nor_a_duration() -> None:
    line = between(snapshot(10, histogram(100)), snapshot(14, histogram(100)))
    assert (line.requests_per_second, line.errors_percent, line.p95_ms) == (0, None, None)


def test_a_restarted_service_counts_from_its_start() -> None:
    assert (
        between(snapshot(0, histogram(100)), snapshot(2, histogram(4))).requests_per_second == 2.0
    )


def test_a_service_that_did_not_answer_before_counts_from_its_start() -> None:
    assert between(snapshot(0, None), snapshot(2, histogram(4))).requests_per_second == 2.0


def test_a_service_that_does_not_answer_has_a_line_without_figures() -> None:
    line = between(snapshot(0, histogram(4)), snapshot(2, None))
    assert line == Figures("task-service", 1, 2, "passing", None, None, None, None, None)


def test_memory_is_in_mebibytes_and_connections_are_as_counted() -> None:
    line = between(snapshot(0, None), snapshot(2, None, memory=3 * 2**19, connections=0))
    assert (line.memory_mib, line.connections) == (1.5, 0)
