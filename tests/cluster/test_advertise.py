"""A running cluster of one machine gets an address for others."""

import re
import time

import pytest

from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.topology import DATABASES
from tests.cluster import load
from tests.cluster.load import Failure
from tests.figures import Say

Steps = list[tuple[float, str]]

pytestmark = pytest.mark.drill


def test_a_running_machine_takes_an_address_and_keeps_every_task(lab: Laboratory, say: Say) -> None:
    """No request fails, unless the machine is so busy that the checks of a service are late."""
    first, second, _ = lab.machines
    first.admin("up")
    with load.requests(lab, [first], "address") as sent:
        steps = advertise(first, sent.begin)
    for database in DATABASES:  # a restart instead would say so, between its title and its duration
        pattern = rf"{database.name} at its new address \d+\.\d s"
        assert any(re.search(pattern, line) for _, line in steps), steps
    say(f"{len(sent.failed)} of {sent.sent} requests failed")
    told = [during(failure, steps) for failure in sent.failed]
    assert {failure.status for failure in sent.failed} <= {502, 503, 504}, told
    assert len(sent.failed) < sent.sent / 10, told  # a third failed when they only restarted
    assert set(sent.acknowledged) <= load.titles(lab, first, "address")
    second.admin("join", first.invite())
    with load.requests(lab, [first], "later") as sent:
        first.admin("up")
    assert sent.failed == []


def advertise(machine: Machine, begin: float) -> Steps:
    """Run `advertise`, and return its lines: each step's comes when it ends, in seconds."""
    with machine.start_admin("advertise", machine.address) as program:
        assert program.stdout
        steps = [(time.monotonic() - begin, line.strip()) for line in program.stdout]
    assert program.returncode == 0, steps
    return steps


def during(failure: Failure, steps: Steps) -> str:
    """Return a failure with the step in which it was answered."""
    end = failure.sent + failure.took
    step = next((line for second, line in steps if second >= end), "after all steps")
    return f"{failure}, during: {step}"
