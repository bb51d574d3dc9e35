"""A million tasks are restored to the second before they were deleted: by hand only.

To run it: DRILL_ROUNDS=1 .venv/bin/pytest -m drill -s tests/e2e/test_million.py
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.e2e.test_backups import query, restore_before_a_delete
from tests.rounds import by_hand, each_round

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
    found = restore_before_a_delete(cluster, cluster.user(f"million{round_}"))
    print(f" {TASKS} tasks in {found.seconds:.1f} s, {found.lost:.1f} s of writes lost")  # noqa: T201
    assert found.seconds <= LONGEST_SECONDS
    assert found.lost <= MOST_LOST_SECONDS
