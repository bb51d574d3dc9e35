"""backups.keeping: the end of backups waits for a leader that answers."""

import pytest

from tasktracker_cluster.backups import keeping
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import CommandError, NoInstanceError, NotReadyError
from tasktracker_cluster.jobs import replication


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
    keeping._wait_for_the_end_of_the_slot(cluster, "task-db")
    assert answers == []


def test_the_error_says_why_the_leader_did_not_answer(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def query(*_: object) -> str:
        raise CommandError("psql failed.", "Look at it.", ["no such view"])

    monkeypatch.setattr(replication, "query", query)
    monkeypatch.setattr(keeping, "LIMIT_SECONDS", 0)
    with pytest.raises(NotReadyError, match=r"slot of task-db, .* psql failed\.$") as raised:
        keeping._wait_for_the_end_of_the_slot(cluster, "task-db")
    assert raised.value.hint == "Look at it."
    assert raised.value.evidence == ("no such view",)


def test_a_slot_that_stays_is_an_error(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replication, "query", lambda *_: "1\n")
    monkeypatch.setattr(keeping, "LIMIT_SECONDS", 0)
    with pytest.raises(NotReadyError, match=r"slot of task-db, without success\.$"):
        keeping._wait_for_the_end_of_the_slot(cluster, "task-db")
