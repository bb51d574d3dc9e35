"""The programs of a session that a changed file affects."""

from pathlib import Path

import pytest

from tasktracker_cluster.dev import reload


@pytest.mark.parametrize(
    ("changed", "restarted"),
    [
        ("task/src/task_service/app.py", ["task-service"]),
        ("portal/src/portal_service/app.py", ["portal"]),
        ("task/src/task_service/migrations/versions/1.py", ["task-migrate", "task-service"]),
        (
            "servicekit/src/servicekit/http_client.py",
            ["user-service", "task-service", "stats-service", "portal"],
        ),
    ],
)
def test_a_change_restarts_the_affected_programs(changed: str, restarted: list[str]) -> None:
    assert reload.affected([Path(changed)]) == restarted


def test_nothing_is_restarted_when_nothing_changed() -> None:
    assert reload.affected([]) == []
