"""What the others do when a machine is cut off for a minute, and when it is back: by hand only.

    DRILL_ROUNDS=1 .venv/bin/pytest -m drill tests/cluster/test_nodes_lost.py

Every run of the drills loses a machine with a primary (test_failovers.py).
"""

import time

import pytest

from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.topology import DATABASES
from tests.cluster import load, losses
from tests.cluster.health import LIMIT_SECONDS, are_elsewhere, settle
from tests.cluster.load import Report
from tests.cluster.losses import Loss
from tests.rounds import by_hand

PARTITION_SECONDS = 60
FAILED_PERCENT = 1  # of the requests to the machines that live
FAILING_SECONDS = 10

pytestmark = [pytest.mark.drill, by_hand]


def check(lab: Laboratory, report: Report, user: str) -> None:
    """Compare what was acknowledged with what is stored, and the failures with their limit."""
    assert len(report.failed) <= report.sent * FAILED_PERCENT / 100, report.failed
    assert report.failing_seconds <= FAILING_SECONDS, report.failed
    assert set(report.acknowledged) <= load.titles(lab, lab.machines[0], user)


@pytest.fixture
def fresh(lab: Laboratory) -> Laboratory:
    """Give three machines of which the first one leads both databases, Consul and Nomad."""
    lab.grow()
    lab.machines[0].admin("up")
    return lab


def test_a_machine_that_is_cut_off_for_a_minute_comes_back_and_no_other_member_starts(
    fresh: Laboratory,
) -> None:
    first, _, lost = fresh.machines
    settle(fresh)
    databases = [members_of(first, database.name) for database in DATABASES]
    with load.requests(fresh, fresh.machines[:2], "cut") as report:
        lost.cut()
        begin = time.monotonic()
        wait.until("two instances", lambda: are_elsewhere(first, lost), LIMIT_SECONDS)
        moved = time.monotonic() - begin
        time.sleep(max(0, begin + PARTITION_SECONDS - time.monotonic()))  # the partition itself
        lost.heal()
        back = time.monotonic()
        settle(fresh)
        green = time.monotonic() - back
    missing = losses.missing(fresh, report, "cut")
    losses.record(Loss("machine 3 cut off for 60 s", report, missing, green, moved))
    check(fresh, report, "cut")
    assert [members_of(first, database.name) for database in DATABASES] == databases


def members_of(machine: Machine, job: str) -> set[str]:
    """Return the ids of a job's allocations."""
    with machine.inside():
        return {str(each["ID"]) for each in machine.allocations(job)}
