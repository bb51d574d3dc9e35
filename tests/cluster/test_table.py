"""The table of losses shows the worst of several rounds."""

import pytest

from tests.cluster import losses
from tests.cluster.load import Failure, Report
from tests.cluster.losses import Loss


@pytest.fixture(autouse=True)
def nothing_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "_losses", [])
    monkeypatch.setattr(losses, "_memory", [])


def test_of_a_loss_that_was_made_twice_the_table_has_the_worst_figures() -> None:
    good = Report(sent=200, acknowledged=["a", "b"])
    failed = [Failure(sent, 0.1, "GET /", 502, "") for sent in (1.0, 3.5)]
    bad = Report(sent=100, acknowledged=["a"], failed=failed)
    losses.record(Loss("machine 2 killed", good, 0, green=40.0, moved=20.0))
    losses.record(Loss("machine 2 killed", bad, 1, green=30.0, moved=25.0))
    losses.record_memory("node-1 uses 1000 MiB")
    _, row, memory = losses.table()
    name, figures = row[:44].strip(), row[44:].split()
    assert name == "machine 2 killed (worst of 2)"
    assert figures == ["100", "2.00%", "2.5", "1", "1", "25.0", "40.0"]
    assert memory == "node-1 uses 1000 MiB"


def test_without_a_loss_there_is_no_table() -> None:
    assert losses.table() == []
