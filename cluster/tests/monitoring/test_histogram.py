"""Rates and durations from Prometheus's histograms."""

import pytest

from tasktracker_cluster.monitoring.histogram import Histogram

NAME = "http_request_duration_seconds"


def page(count: int, route: str = "/tasks", status: str = "200") -> str:
    """Return a /metrics page with `count` requests that took between 0.1 and 0.2 s each."""
    labels = f'route="{route}",status="{status}"'
    return "\n".join(
        [
            f"# TYPE {NAME} histogram",
            f'{NAME}_bucket{{le="0.1",{labels}}} 0',
            f'{NAME}_bucket{{le="0.2",{labels}}} {count}',
            f'{NAME}_bucket{{le="+Inf",{labels}}} {count}',
            f"{NAME}_count{{{labels}}} {count}",
            f"{NAME}_sum{{{labels}}} 1",
            "",
        ]
    )


def read(text: str) -> Histogram:
    return Histogram.read(text, NAME, lambda labels: labels["route"] != "/health")


def test_only_wanted_requests_count() -> None:
    assert read(page(4, route="/health")).requests == 0
    assert read(page(4)).requests == 4


def test_an_answer_of_500_and_above_is_an_error() -> None:
    assert read(page(4, status="499")).errors == 0
    assert read(page(4, status="503")).errors == 4


def test_a_quantile_lies_within_its_bucket() -> None:
    assert read(page(100)).quantile(0.5) == pytest.approx(0.15)
    assert read(page(100)).quantile(0.95) == pytest.approx(0.195)


def test_without_requests_there_is_no_quantile() -> None:
    assert read(page(0)).quantile(0.95) is None
    assert Histogram().quantile(0.95) is None


def test_a_quantile_beyond_the_last_bound_is_that_bound() -> None:
    slow = Histogram({0.1: 0, 0.2: 0, float("inf"): 10}, requests=10)
    assert slow.quantile(0.95) == 0.2


def test_since_returns_the_counts_between_two_snapshots() -> None:
    new = read(page(10, status="500")).since(read(page(4, status="500")))
    assert (new.requests, new.errors, new.buckets[0.2]) == (6, 6, 6)


def test_since_returns_all_counts_of_a_restarted_process() -> None:
    assert read(page(3)).since(read(page(10))).requests == 3


def test_instances_add_up() -> None:
    assert (read(page(3)) + read(page(4))).requests == 7
