"""backups.keeping: the end of backups waits for a leader that answers."""

import pytest

from tasktracker_cluster.backups import keeping
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import CommandError, NoInstanceError
from tasktracker_cluster.jobs import replication
from tasktracker_cluster.machine import wait


def test_a_leader_that_answers_late_or_changes_is_asked_again_for_its_slot(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[str | Exception] = [
        CommandError("`timeout 10 nomad` failed with exit code 124."),
        NoInstanceError("No member of task-db leads now."),
        "1\n",
        "\n",
    ]

    def query(*_: object) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(replication, "query", query)
    wait.until("its end", lambda: keeping._has_no_slot(cluster, "task-db"), 60)
    assert answers == []
