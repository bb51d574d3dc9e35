"""A running cluster of one machine gets an address for others."""

import pytest

from tasktracker_cluster.testing.machines import Laboratory
from tests.cluster import load

pytestmark = pytest.mark.drill


def test_a_running_machine_takes_an_address_and_keeps_every_task(lab: Laboratory) -> None:
    """Each database restarts once: meanwhile requests that need it are refused."""
    first, second, _ = lab.machines
    first.admin("up")
    with load.requests(lab, [first], "address") as sent:
        first.admin("advertise", first.address)
    refused = {answer.rpartition(": ")[2] for _, answer in sent.failed}
    assert refused <= {"502", "503", "504"}
    assert sent.acknowledged
    assert set(sent.acknowledged) <= load.titles(lab, first, "address")
    second.admin("join", first.invite())
    with load.requests(lab, [first], "later") as sent:
        first.admin("up")
    assert sent.failed == []
