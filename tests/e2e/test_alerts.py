"""Each fault fires its alert, which ends after the repair. The seconds of both are printed.

    DRILL_ROUNDS=1 .venv/bin/pytest -m drill tests/e2e/test_alerts.py

Without rounds only some of them run.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest

from tasktracker_cluster.machine import wait
from tasktracker_cluster.monitoring import alerts
from tasktracker_cluster.testing.throwaway import ThrowawayCluster, frozen
from tests.e2e import faults
from tests.figures import Say
from tests.rounds import by_hand

pytestmark = pytest.mark.drill

LIMIT_SECONDS = 180  # for a machine with every core loaded
PATHS = ("/api/v1/auth/me", "/api/v1/tasks/", "/api/v1/stats/")

Fault = Callable[[ThrowawayCluster], AbstractContextManager[None]]

FAULTS: dict[str, Fault] = {
    "ServiceDown: stats-service has": lambda c: frozen(c.service_pid("stats_service")),
    "ServiceDown: portal has": lambda c: faults.stopped(c, "portal"),
    "NoHealthyInstance: No instance of task-db": lambda c: faults.stopped(c, "task-db"),
    "Denied: The intentions of task-service": lambda c: faults.without_intentions(
        c, "task-service"
    ),
    "Latency: One in 20 requests to task-service": faults.slow,
    "LoginStorm: ": lambda _: faults.guessing(4),
    "DatabaseNearItsConnections: 8": lambda c: faults.connections(c, "task-db", 82),
    "CertificateNearItsEnd: The certificate of portal": faults.short_certificates,
    "DiskNearlyFull: 1": faults.full_disk_of_backups,
    "ScrapeMissing: consul": lambda c: frozen(c.agent_pid("consul")),
}
QUICK = ("ServiceDown: stats-service has", "NoHealthyInstance: No instance of task-db")


@pytest.fixture(scope="module")
def busy(observed: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Give the observed cluster while a user sends a few requests a second."""
    with observed.user("ottilie").http() as client:
        works = [partial(client.get, path) for path in PATHS]
        with faults.repeating(*works, pause=0.3):
            yield observed


def fires(cluster: ThrowawayCluster, start: str) -> bool:
    """Return whether an alert fires whose name and summary begin like this."""
    firing = alerts.firing(cluster.as_operator)
    return any(f"{each.name}: {each.summary}".startswith(start) for each in firing)


def silent(cluster: ThrowawayCluster, start: str) -> bool:
    return not fires(cluster, start)


def seconds_until(what: str, holds: Callable[[], bool]) -> float:
    start = time.monotonic()
    wait.until(what, holds, LIMIT_SECONDS)
    return time.monotonic() - start


@pytest.mark.parametrize(
    "start", [each if each in QUICK else pytest.param(each, marks=by_hand) for each in FAULTS]
)
def test_a_fault_fires_its_alert_which_ends_after_the_repair(
    busy: ThrowawayCluster, settled: None, say: Say, start: str
) -> None:
    wait.until(f"silence of {start}", partial(silent, busy, start), LIMIT_SECONDS)
    with FAULTS[start](busy):
        fired = seconds_until(f"the alert {start}", partial(fires, busy, start))
    ended = seconds_until(f"the end of {start}", partial(silent, busy, start))
    say(f"{start}: fired after {fired:.0f} s, ended after {ended:.0f} s")


@contextmanager
def observed_on_a_small_disk(cluster: ThrowawayCluster) -> Iterator[Callable[[int], None]]:
    """Observe the cluster while the store of metrics has a disk of its own."""
    cluster.admin("observe", "--off")
    with faults.small_disk(cluster, "metrics") as resize:
        cluster.admin("observe")
        yield resize
        cluster.admin("observe", "--off")
    cluster.admin("observe")


@by_hand
def test_a_disk_that_fills_and_a_full_one_fire_their_alerts(
    busy: ThrowawayCluster, say: Say
) -> None:
    with observed_on_a_small_disk(busy) as resize:
        known = busy.as_operator.metrics

        def is_stored() -> bool:
            found = known.call("GET", "/api/v1/query", query="up{job='metrics'}[10s]")
            return bool(found["data"]["result"])

        wait.until("metrics", is_stored, LIMIT_SECONDS)
        for start, mebibytes in (("DiskNearlyFull: ", 1500), ("NothingStored: ", 500)):
            assert not fires(busy, start)
            resize(mebibytes)
            fired = seconds_until(f"the alert {start}", partial(fires, busy, start))
            say(f"{start} fired after {fired:.0f} s")
        resize(8000)
        for start in ("NothingStored: ", "DiskNearlyFull: "):
            ended = seconds_until(f"the end of {start}", partial(silent, busy, start))
            say(f"{start} ended {ended:.0f} s later")
