"""A machine whose heartbeats come too late takes instances again, though nobody asked what it runs.

Without our edit of Nomad it would take none until one of its instances changes
(docs/decisions/0084-missed-heartbeats.md). When Nomad's leader is lost, that can hit all machines
that live.
"""

from collections.abc import Iterator

import pytest

from tasktracker_cluster.agents import nomad
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.testing.throwaway import frozen
from tests.cluster import health

SCHEDULER = "/v1/operator/scheduler/configuration"

pytestmark = pytest.mark.drill


@pytest.fixture
def paused(grown: Laboratory) -> Iterator[Laboratory]:
    """Let Nomad schedule nothing, so that it asks no machine what it runs."""
    health.settle(grown)
    pause(grown.machines[0], True)
    yield grown
    pause(grown.machines[0], False)
    health.settle(grown)


def pause(machine: Machine, is_paused: bool) -> None:
    with machine.inside():
        known = machine.nomad.call("GET", SCHEDULER)["SchedulerConfig"]
        machine.nomad.call("PUT", SCHEDULER, {**known, "PauseEvalBroker": is_paused})


def state(asked: Machine, machine: Machine) -> str:
    """Return what Nomad says of a machine, to another one."""
    with asked.inside():
        return next(each.status for each in nomad.nodes(asked.nomad) if each.name == machine.name)


def test_a_machine_with_late_heartbeats_is_ready_again(paused: Laboratory) -> None:
    first, *others = paused.machines
    # Its own loss would be another case: all heartbeats begin anew then.
    leader = wait.until("a leader", lambda: health.leading(paused, "nomad"), health.LIMIT_SECONDS)
    late = next(each for each in others if each is not leader)
    with frozen(late.agent_pid("nomad")):
        wait.until("its loss", lambda: state(first, late) != "ready", health.LIMIT_SECONDS)
    wait.until("its return", lambda: state(first, late) == "ready", health.LIMIT_SECONDS)
