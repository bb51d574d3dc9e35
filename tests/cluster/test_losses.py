"""A machine killed and a leader killed, under load: by hand only, as they take minutes each.

    DRILL_ROUNDS=3 .venv/bin/pytest -m drill tests/cluster/test_losses.py

The table at the end has the worst of the rounds. The databases are on the first machine, so its
loss is an outage, and not made here.
"""

import os
import signal
import time

import pytest

from bench import footprint
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tests.cluster import health, load, losses
from tests.cluster.health import LIMIT_SECONDS
from tests.cluster.losses import Loss
from tests.rounds import by_hand, each_round

FAILED_PERCENT = 1  # of the requests to the machines that live
FAILING_SECONDS = 10
# A Nomad client saves its allocations' networks once a minute. After a kill -9 it drops allocations
# without a saved network (docs/decisions/0003-raw-exec.md).
SAVED_SECONDS = 75

pytestmark = [pytest.mark.drill, by_hand]


@pytest.fixture(autouse=True)
def settled(grown: Laboratory) -> None:
    """Begin each loss with a cluster without a fault."""
    health.settle(grown)


def check(loss: Loss) -> None:
    """Record a loss, and compare its failures with their limits."""
    losses.record(loss)
    assert loss.missing == 0
    assert loss.failed_percent <= FAILED_PERCENT, loss.load.failed
    assert loss.load.failing_seconds <= FAILING_SECONDS, loss.load.failed


def test_each_machine_uses_memory(grown: Laboratory) -> None:
    for machine in grown.machines:
        used = footprint.memory(machine.site)
        losses.record_memory(f"{machine.name} uses {sum(used.values()):.0f} MiB")
        assert used[footprint.FILES] > 0


@each_round
@pytest.mark.parametrize("number", [2, 3])
def test_a_killed_machines_services_start_elsewhere_and_it_comes_back(
    grown: Laboratory, number: int, round_: int
) -> None:
    first, lost = grown.machines[0], grown.machines[number - 1]
    living = [machine for machine in grown.machines if machine is not lost]
    user, role = f"kill{number}-{round_}", ""
    if number == 3:
        make_leader(grown, lost)
        role = ", the leader of Nomad"
    with load.requests(grown, living, user) as sent:
        begin = time.monotonic()
        lost.lose_power()
        wait.until("two instances", lambda: health.are_elsewhere(first, lost), LIMIT_SECONDS)
        moved = time.monotonic() - begin
    lost.heal()
    back = time.monotonic()
    with load.requests(grown, living, f"{user}-back") as returning:
        lost.admin("up")
        health.settle(grown)
        green = time.monotonic() - back
    missing = losses.missing(grown, sent, user)
    check(Loss(f"machine {number} killed{role}", sent, missing, green, moved))
    missing = losses.missing(grown, returning, f"{user}-back")
    check(Loss(f"machine {number} comes back", returning, missing, green))


@each_round
@pytest.mark.parametrize("agent", ["consul", "nomad"])
def test_a_killed_leader_fails_no_request(grown: Laboratory, agent: str, round_: int) -> None:
    leader = wait.until("a leader", lambda: health.leading(grown, agent), LIMIT_SECONDS)
    if agent == "nomad":
        wait.until("allocations that Nomad has saved", lambda: is_saved(leader), SAVED_SECONDS * 2)
    user, pid = f"{agent}-{round_}", leader.agent_pid(agent)
    with load.requests(grown, grown.machines, user) as sent:
        begin = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        wait.until("a new process", lambda: leader.agent_pid(agent) not in (0, pid), LIMIT_SECONDS)
        wait.until("a leader", lambda: health.leading(grown, agent), LIMIT_SECONDS)
        health.settle(grown)
        green = time.monotonic() - begin
    missing = losses.missing(grown, sent, user)
    check(Loss(f"leader of {agent.capitalize()} killed", sent, missing, green))
    assert sent.failed == []


def make_leader(lab: Laboratory, machine: Machine) -> None:
    """Let the Nomad server of this machine lead the others."""
    if health.leading(lab, "nomad") is not machine:
        path = "/v1/operator/raft/transfer-leadership"
        with lab.machines[0].inside():
            lab.machines[0].nomad.call("PUT", path, address=f"{machine.address}:4647")
        wait.until("its lead", lambda: health.leading(lab, "nomad") is machine, LIMIT_SECONDS)


def is_saved(machine: Machine) -> bool:
    """Return whether a killed Nomad would adopt every task of this machine."""
    with machine.inside():
        known = machine.nomad.call("GET", "/v1/allocations")
    mine = [each for each in known
            if each["NodeName"] == machine.name and each["ClientStatus"] == "running"]  # fmt: skip
    return bool(time.time() - max(each["CreateTime"] for each in mine) / 1e9 > SAVED_SECONDS)
