"""A million tasks are restored to the second before they were deleted: by hand only.

To run it: DRILL_ROUNDS=1 .venv/bin/pytest -m drill -s tests/e2e/test_million.py
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.e2e.test_backups import CHECKSUM, after_a_second, query
from tests.e2e.traffic import titles, writing
from tests.rounds import by_hand, each_round

LIMIT_SECONDS = 60
TASKS = 1_000_000
LONGEST_SECONDS, MOST_LOST_SECONDS = 120, 60

pytestmark = [pytest.mark.drill, by_hand]


@pytest.fixture(scope="module")
def repository(cluster: ThrowawayCluster) -> Iterator[Path]:
    """Give the repository of a cluster that keeps backups and has a million tasks."""
    query(cluster, "INSERT INTO tasks (title, owner_id) SELECT 'task ' || n, 1000000 + n % 100 "
          f"FROM generate_series(1, {TASKS}) AS n")  # fmt: skip
    folder = cluster.home.parent / "million"
    cluster.admin("backup", "on", "--to", str(folder))
    yield folder
    cluster.admin("backup", "off")


@each_round
def test_a_million_tasks_are_restored(
    cluster: ThrowawayCluster, repository: Path, round_: int
) -> None:
    user = cluster.user(f"million{round_}")
    with user.http() as client, writing(client) as before:
        wait.until("fifty tasks", lambda: len(before.acknowledged) >= 50, LIMIT_SECONDS)
    last = query(cluster, "SELECT max(id) FROM tasks")
    checksum = query(cluster, CHECKSUM + last)
    then = after_a_second()
    with user.http() as client, writing(client) as meanwhile:
        wait.until("more tasks", lambda: len(meanwhile.acknowledged) >= 5, LIMIT_SECONDS)
        query(cluster, "DELETE FROM tasks")
        deleted = time.time()
        begin = time.monotonic()
        cluster.admin("restore", "task", "--to", then.isoformat(), "--yes")
        seconds = time.monotonic() - begin
        written = len(meanwhile.acknowledged)
        wait.until("a write", lambda: len(meanwhile.acknowledged) > written, LIMIT_SECONDS)
    assert query(cluster, CHECKSUM + last) == checksum
    with user.http() as client:
        assert set(before.acknowledged) <= titles(client)
    lost = deleted - then.timestamp()
    print(f" {TASKS} tasks in {seconds:.1f} s, {lost:.1f} s of writes lost")  # noqa: T201
    assert seconds <= LONGEST_SECONDS
    assert lost <= MOST_LOST_SECONDS
