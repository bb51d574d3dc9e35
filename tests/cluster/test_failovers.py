"""A database's primary dies, vanishes, hangs, is cut off or moves, under fifty writes a second.

    DRILL_ROUNDS=5 .venv/bin/pytest -m drill tests/cluster/test_failovers.py

Without rounds only some of them run. No acknowledged write may be missing or there twice, so no
two primaries took writes. The table at the end has the longest time without an acknowledgement. The
limits are far above it: machines of a test share two busy cores.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tasktracker_cluster.errors import AdminError, CommandError
from tasktracker_cluster.jobs import numbers, postgres, replication, switchover
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tests.cluster import failovers, health, load, writes
from tests.cluster.failovers import Failover
from tests.rounds import by_hand, each_round

DATABASE = "task-db"
TASK = "postgres"
STEADY_SECONDS = 3
AWAY_SECONDS = 40  # how long a machine is cut off
GAP_SECONDS = 120  # the limit of each gap: see the table for the real ones
LIMIT_SECONDS = 300
SWITCHES = 10  # each is to the synchronous replica, which another one is after it

pytestmark = pytest.mark.drill

Fault = Callable[[Laboratory, Machine], None]


@pytest.fixture(autouse=True)
def settled(grown: Laboratory) -> None:
    """Begin each fault with a cluster without one, and a synchronous standby."""
    settle(grown)


def settle(lab: Laboratory) -> None:
    health.settle(lab)
    wait.until("three members", lambda: is_complete(lab), LIMIT_SECONDS)


def is_complete(lab: Laboratory) -> bool:
    """Return whether all members receive the log, and one of them is synchronous."""
    first = lab.machines[0]
    with first.inside(), suppress(AdminError):
        known = replication.members_of(first.consul, DATABASE)
        return (
            [each.state for each in known if each.role == replication.REPLICA] == ["streaming"] * 2
            and any(each.is_synchronous for each in known)
            and switchover.best(known) is not None
            and len({each.timeline for each in known}) == 1
        )
    return False


def leader(lab: Laboratory) -> Machine:
    """Return the machine with the primary."""
    first = lab.machines[0]

    def find() -> Machine | None:
        with first.inside(), suppress(AdminError):
            name = numbers.machine(first.consul, switchover.leader(first.consul, DATABASE))
            return next((each for each in lab.machines if each.name == name), None)
        return None

    return wait.until("a primary", find, LIMIT_SECONDS)


def synchronous(lab: Laboratory) -> Machine:
    """Return the machine whose replica has every acknowledged write, not the first machine."""
    lead(lab, lab.machines[0])
    with lab.machines[0].inside():
        consul = lab.machines[0].consul
        known = replication.members_of(consul, DATABASE)
        (name,) = [numbers.machine(consul, each.name) for each in known if each.is_synchronous]
    return next(each for each in lab.machines if each.name == name)


def lead(lab: Laboratory, machine: Machine) -> None:
    """Let a machine have the primary."""
    for _ in range(SWITCHES):
        if leader(lab) is machine:
            break
        lab.machines[0].admin("db", "switchover", "task")
        wait.until("three members", lambda: is_complete(lab), LIMIT_SECONDS)
    assert leader(lab) is machine


def pids(lab: Laboratory, machine: Machine) -> list[int]:
    """Return the processes of Patroni and PostgreSQL on a machine, Patroni's first."""
    first = lab.machines[0]
    with first.inside():
        (identifier,) = [each["ID"] for each in first.allocations(DATABASE)
                         if each["NodeName"] == machine.name]  # fmt: skip
    parents = first.task_parents(identifier, TASK)
    return sorted(parents, key=lambda pid: parents[pid] in parents)


def signal_all(found: list[int], number: int) -> None:
    for pid in found:
        with suppress(ProcessLookupError):  # its parent may have ended it
            os.kill(pid, number)


def kill_postgres(lab: Laboratory, machine: Machine) -> None:
    os.kill(machine.postmaster(DATABASE), signal.SIGKILL)


def kill_patroni(lab: Laboratory, machine: Machine) -> None:
    os.kill(pids(lab, machine)[0], signal.SIGKILL)


def kill_every_member(lab: Laboratory, machine: Machine) -> None:
    found = [pid for each in lab.machines for pid in pids(lab, each)]
    signal_all(found, signal.SIGKILL)


def switch_over(lab: Laboratory, machine: Machine) -> None:
    lab.machines[0].admin("db", "switchover", "task")


@each_round
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("primary: PostgreSQL killed", kill_postgres),
        pytest.param("primary: Patroni killed", kill_patroni, marks=by_hand),
        pytest.param("all members killed at once", kill_every_member, marks=by_hand),
        ("planned switchover", switch_over),
    ],
)
def test_a_fault_that_ends_by_itself_loses_and_doubles_nothing(
    grown: Laboratory, name: str, fault: Fault, round_: int
) -> None:
    machine, user = leader(grown), f"{fault.__name__.replace('_', '')}{round_}"
    with writes.running(grown, grown.machines, user) as history:
        time.sleep(STEADY_SECONDS)
        begin = time.monotonic()
        fault(grown, machine)
        history.wait_for_more(f"after: {name}")
        settle(grown)
        green = time.monotonic() - begin
    check(failovers.record(grown, name, history, user, green))


@each_round
@pytest.mark.parametrize("number", [pytest.param(1, marks=by_hand), 2])
def test_a_lost_machine_with_the_primary_loses_and_doubles_nothing(
    grown: Laboratory, number: int, round_: int
) -> None:
    lost, user = grown.machines[number - 1], f"lost{number}{round_}"
    living = [machine for machine in grown.machines if machine is not lost]
    lead(grown, lost)
    with writes.running(grown, living, user) as history:
        time.sleep(STEADY_SECONDS)
        lost.lose_power()
        history.wait_for_more("without the machine")
        time.sleep(STEADY_SECONDS)
    lost.heal()
    back = time.monotonic()
    lost.admin("up")
    settle(grown)
    green = time.monotonic() - back
    check(failovers.record(grown, f"machine {number} lost, with the primary", history, user, green))


@by_hand
@each_round
def test_a_lost_machine_with_the_synchronous_replica_loses_and_doubles_nothing(
    grown: Laboratory, round_: int
) -> None:
    """Writes wait until another replica takes its place."""
    lost, user = synchronous(grown), f"lostsync{round_}"
    living = [machine for machine in grown.machines if machine is not lost]
    with writes.running(grown, living, user) as history:
        time.sleep(STEADY_SECONDS)
        lost.lose_power()
        history.wait_for_more("without the machine")
        time.sleep(AWAY_SECONDS / 2)
    lost.heal()
    back = time.monotonic()
    lost.admin("up")
    settle(grown)
    green = time.monotonic() - back
    name = "machine lost, with the synchronous replica"
    check(failovers.record(grown, name, history, user, green))


@by_hand
@each_round
@pytest.mark.parametrize(("what", "first"), [("all of it", 0), ("only PostgreSQL", 1)])
def test_a_hung_primary_loses_and_doubles_nothing(
    grown: Laboratory, what: str, first: int, round_: int
) -> None:
    """Its connections would be kept, so it is killed when another member may lead."""
    machine, user = leader(grown), f"hung{first}{round_}"
    with writes.running(grown, grown.machines, user) as history:
        time.sleep(STEADY_SECONDS)
        found = pids(grown, machine)[first:]
        signal_all(found, signal.SIGSTOP)
        try:
            history.wait_for_more("while the old primary hangs")
            time.sleep(STEADY_SECONDS)
            assert not any(Path(f"/proc/{pid}").exists() for pid in found)
        finally:
            signal_all(found, signal.SIGCONT)
        back = time.monotonic()
        settle(grown)
        green = time.monotonic() - back
    check(failovers.record(grown, f"primary: {what} hangs", history, user, green))


@by_hand
@each_round
@pytest.mark.parametrize("number", [1, 2])
def test_a_primary_that_is_cut_off_acknowledges_nothing_that_is_lost(
    grown: Laboratory, number: int, round_: int
) -> None:
    """There are writers on both sides. Those of its own side reach it through its own gateway."""
    cut, user = grown.machines[number - 1], f"cut{number}{round_}"
    living = [machine for machine in grown.machines if machine is not cut]
    lead(grown, cut)
    with (
        writes.running(grown, living, user) as history,
        writes.running(grown, [cut], f"{user}own", cut.inside) as own,
    ):
        time.sleep(STEADY_SECONDS)
        begin = time.monotonic()
        cut.cut()
        history.wait_for_more("while the old primary is cut off")
        time.sleep(max(0, begin + AWAY_SECONDS - time.monotonic()))
        cut.heal()
        back = time.monotonic()
        own.wait_for_more("when the machine is back")
        settle(grown)
        green = time.monotonic() - back
    name = f"machine {number} cut off, with the primary"
    check(failovers.record(grown, name, history, user, green))
    inside = failovers.record(grown, f"{name}: its side", own, f"{user}own", green)
    assert (inside.lost, inside.doubled) == (0, 0)


@by_hand
@each_round
def test_a_drained_machine_gives_its_primary_away(grown: Laboratory, round_: int) -> None:
    first, drained, user = grown.machines[0], grown.machines[1], f"drain{round_}"
    lead(grown, drained)
    with writes.running(grown, [first, grown.machines[2]], user) as history:
        time.sleep(STEADY_SECONDS)
        first.admin("node", "drain", drained.name)
        history.wait_for_more("after the drain")
    begin = time.monotonic()
    first.admin("node", "enable", drained.name)
    settle(grown)
    green = time.monotonic() - begin
    check(failovers.record(grown, "machine 2 drained, with the primary", history, user, green))


@by_hand
@each_round
@pytest.mark.parametrize("whose", ["primary", "standby"])
def test_a_member_whose_data_folder_is_gone_is_made_anew(
    grown: Laboratory, whose: str, round_: int
) -> None:
    machine, user = leader(grown), f"folder{whose}{round_}"
    if whose == "standby":
        machine = next(each for each in grown.machines if each is not machine)
    with writes.running(grown, grown.machines, user) as history:
        time.sleep(STEADY_SECONDS)
        begin = time.monotonic()
        found = pids(grown, machine)
        shutil.rmtree(machine.site.volume(DATABASE) / "data", ignore_errors=True)
        signal_all(found, signal.SIGKILL)
        history.wait_for_more("without the folder")
        settle(grown)
        green = time.monotonic() - begin
    check(failovers.record(grown, f"{whose}: data folder deleted", history, user, green))


@pytest.fixture
def backups(grown: Laboratory) -> Iterator[None]:
    """Keep backups during a test. After it no member keeps its log for them."""
    first = grown.machines[0]
    first.admin("backup", "on")
    yield
    first.admin("backup", "off")
    for machine in grown.machines:
        wait.until(f"no slot on {machine.name}", partial(has_no_slot, machine), LIMIT_SECONDS)


def has_no_slot(machine: Machine) -> bool:
    statement = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'barman'"
    with suppress(CommandError):  # its PostgreSQL may start again
        return shell.run(postgres.query(machine.site, DATABASE, statement)).strip() == "0"
    return False


def received_anew(lab: Laboratory) -> str:
    """Return when the log was received anew, so that backups have a hole before it."""
    file = lab.machines[0].site.repository / DATABASE / "anew"
    return file.read_text() if file.exists() else ""


def test_backups_go_on_after_a_switchover_and_a_restore_reaches_every_member(
    grown: Laboratory, backups: None
) -> None:
    """The first machine has the restored data. No other member may lead with the old ones."""
    (first, second, _), user = grown.machines, "restored"
    anew = received_anew(grown)
    lead(grown, second)
    with writes.running(grown, grown.machines, user) as history:
        time.sleep(STEADY_SECONDS)
        history.wait_for_more("before the time")
    first.admin("backup", "drill")
    settle(grown)  # the backups are good, too, and so was the drill
    then = datetime.now(UTC)
    wait.until("the next second", lambda: datetime.now(UTC) - then > timedelta(seconds=1), 2)
    before = load.stored(grown, grown.machines[0], user)
    assert before
    with writes.running(grown, grown.machines, f"{user}late"):
        time.sleep(STEADY_SECONDS)
    lead(grown, first)
    assert received_anew(grown) == anew

    first.admin("restore", "task", "--to", then.isoformat(), "--yes")
    settle(grown)
    assert leader(grown) is first
    assert load.stored(grown, grown.machines[0], user) == before
    first.admin("db", "switchover", "task")
    # A backup that was made meanwhile fails, and is made again a minute later.
    wait.until("three members", lambda: is_complete(grown), LIMIT_SECONDS)
    assert leader(grown) is not first
    assert load.stored(grown, grown.machines[0], user) == before
    assert not load.stored(grown, grown.machines[0], f"{user}late")


@by_hand
@each_round
def test_backups_have_no_hole_after_a_failover(
    grown: Laboratory, backups: None, round_: int
) -> None:
    """A drill compares all rows, so those of the seconds around the failover, too."""
    (first, lost, third), user = grown.machines, f"kept{round_}"
    lead(grown, lost)
    anew = received_anew(grown)
    with writes.running(grown, [first, third], user) as history:
        time.sleep(STEADY_SECONDS)
        lost.lose_power()
        history.wait_for_more("without the machine")
        time.sleep(STEADY_SECONDS)
    lost.heal()
    lost.admin("up")
    first.admin("backup", "drill")
    settle(grown)
    assert received_anew(grown) == anew
    check(failovers.record(grown, "machine 2 lost, with backups", history, user, 0))


def check(failover: Failover) -> None:
    """Compare a fault with its limits."""
    assert (failover.lost, failover.doubled) == (0, 0)
    assert failover.gap <= GAP_SECONDS
    assert not [answer for answer in failover.answers if answer.startswith("503 without")]
