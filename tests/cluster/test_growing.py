"""From one machine to three under load, every refusal of a join, and back."""

import json
from functools import partial

import pytest

from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.machine import wait
from tasktracker_cluster.membership import members
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.topology import STORE
from tests.cluster import load
from tests.cluster.health import voters

LIMIT_SECONDS = 300  # generous: the machines of a test share two busy cores
# Nomad's leader looks at its peers once a minute. A server that came back as another one is a peer
# only then, and votes ten seconds later. Before that two agents start again, on a busy machine.
VOTES_SECONDS = 300

pytestmark = pytest.mark.drill


@pytest.fixture(scope="module")
def first(lab: Laboratory) -> Machine:
    """Give the first machine, at its address for the others."""
    machine = lab.machines[0]
    machine.admin("up", "--advertise", machine.address)
    return machine


def refusal(machine: Machine, *words: str) -> str:
    """Return what a command that must fail prints, and check that it joined nothing."""
    result = machine.admin(*words, check=False)
    assert result.returncode == 1
    assert not machine.site.node_file.exists()
    return result.stderr


def test_a_machine_takes_only_an_address_of_its_own(lab: Laboratory, first: Machine) -> None:
    second = lab.machines[1]
    line = first.invite()
    assert "10.9.9.9 is not an IPv4 address of this machine" in refusal(
        second, "join", line, "--address", "10.9.9.9"
    )
    result = first.admin("advertise", second.address, check=False)
    assert f"{second.address} is not an IPv4 address of this machine" in result.stderr
    assert set(listed(first)) == {first.name}


def test_an_altered_line_is_refused_before_anything_is_sent(
    lab: Laboratory, first: Machine
) -> None:
    line = first.invite()
    assert "incomplete or altered" in refusal(lab.machines[1], "join", line[:-1])


def test_without_the_first_machine_nobody_joins_and_later_the_same_line_works(
    lab: Laboratory, first: Machine
) -> None:
    second, line = lab.machines[1], first.invite()
    first.cut()
    try:
        assert f"does not answer at {first.address}:4651" in refusal(second, "join", line)
    finally:
        first.heal()
    second.admin("join", line)
    assert set(listed(first)) == {first.name, second.name}


def listed(machine: Machine) -> dict[str, dict[str, object]]:
    rows = json.loads(machine.admin("node", "list", "--json").stdout)
    return {row["name"]: row for row in rows}


def agree(*machines: Machine) -> bool:
    one, other = map(listed, machines)
    return one == other


def test_one_machine_grows_to_three_under_load_without_a_failed_request(
    lab: Laboratory, first: Machine
) -> None:
    third = lab.machines[2]
    with load.requests(lab, [first], "grow") as sent:
        assert voters(first) == [{first.address}] * 2, "two machines have one server"
        assert "Nothing is safe yet" in first.admin("status", check=False).stderr
        third.admin("join", first.invite())
        everybody = {machine.address for machine in lab.machines}
        wait.until("three voters", partial(are_voters, first, everybody), VOTES_SECONDS)
        first.admin("up")
    assert sent.failed == []
    assert sent.acknowledged
    assert set(sent.acknowledged) <= load.titles(lab, first, "grow")
    for machine in lab.machines:
        wait.until("its readiness", partial(is_well, first, machine), LIMIT_SECONDS)
    assert "Nothing is safe yet" not in first.admin("status", check=False).stderr


def test_a_joined_machine_has_no_right_to_manage(lab: Laboratory) -> None:
    second = lab.machines[1]
    names = {file.name for file in second.site.secrets.iterdir()}
    assert not {name for name in names if "management" in name}
    assert "authority.key" not in names
    result = second.admin("node", "drain", "node-1", check=False)
    assert result.returncode == 1
    assert "On its first machine, 10.77.0.1: tasktracker-cli admin node drain" in result.stderr
    with second.inside():
        for call in (
            partial(second.nomad.call, "PUT", "/v1/system/gc"),
            partial(second.consul.call, "PUT", "/v1/kv/a", "b"),
        ):
            with pytest.raises(ApiError, match=r"403|Permission denied"):
                call()


def test_a_joined_machine_shows_the_whole_cluster(lab: Laboratory, first: Machine) -> None:
    for machine in lab.machines[1:]:
        wait.until("health", partial(is_healthy, machine), LIMIT_SECONDS)
        # One list is asked after the other, and an instance may start or end in between.
        wait.until("the same list", partial(agree, machine, first), LIMIT_SECONDS)


def test_sidecars_are_registered_where_other_machines_reach_them(
    lab: Laboratory, first: Machine
) -> None:
    with first.inside():
        entries = first.consul.call("GET", "/v1/health/connect/task-service")
    addresses = {entry["Service"]["Address"] for entry in entries}
    assert addresses
    assert addresses <= {machine.address for machine in lab.machines}


def test_only_the_first_machine_rotates(lab: Laboratory) -> None:
    result = lab.machines[1].admin("rotate", "gossip", check=False)
    assert result.returncode == 1
    assert "This machine has joined a cluster" in result.stderr


def test_up_starts_a_killed_machine_again(lab: Laboratory, first: Machine) -> None:
    second = lab.machines[1]
    with load.requests(lab, [first], "kill") as sent:
        second.kill()
        wait.until(
            "its loss", lambda: listed(first)[second.name]["agents"] == "gone", LIMIT_SECONDS
        )
        assert second.admin("up").returncode == 0
        wait.until("its return", lambda: is_well(first, second), LIMIT_SECONDS)
    assert sent.acknowledged
    assert set(sent.acknowledged) <= load.titles(lab, first, "kill")


def test_a_server_that_the_majority_needs_cannot_leave(lab: Laboratory, first: Machine) -> None:
    _, second, third = lab.machines
    third.cut()
    try:
        # At once: when Consul and Nomad take its servers out of theirs, two are left.
        wait.until("its loss", partial(is_gone, first, third), LIMIT_SECONDS)
        result = second.admin("leave", "--yes", check=False)
        assert "The servers need node-2: without it 1 of 2 would answer" in result.stderr
        result = first.admin("leave", "--yes", check=False)
        assert "The first machine has the management tokens" in result.stderr
        assert second.site.node_file.exists()
        result = first.admin("rotate", "gossip", check=False)
        assert "node-3 is away" in result.stderr
    finally:
        third.heal()
    wait.until("its return", lambda: is_well(first, third), LIMIT_SECONDS)


def test_a_machine_leaves_without_a_failed_request_and_leaves_nothing_behind(
    lab: Laboratory, first: Machine
) -> None:
    _, second, third = lab.machines
    with load.requests(lab, [first], "leave") as sent:
        third.admin("leave", "--yes")
        wait.until("one server", partial(are_voters, first, {first.address}), VOTES_SECONDS)
        wait.until("a client", lambda: not second.site.node.is_server, LIMIT_SECONDS)
    assert sent.failed == []
    assert not third.home.exists()
    assert set(listed(first)) == {"node-1", "node-2"}
    wait.until("its return", lambda: is_well(first, second), LIMIT_SECONDS)
    assert voters(first) == [{first.address}] * 2


def test_with_two_machines_the_loss_of_the_second_stops_nothing(
    lab: Laboratory, first: Machine
) -> None:
    second = lab.machines[1]
    second.cut()
    try:
        wait.until(
            "its loss", lambda: listed(first)[second.name]["agents"] == "gone", LIMIT_SECONDS
        )
        with first.inside():  # changes, which need a majority
            first.consul.call("PUT", "/v1/kv/tasktracker/test", 1)
            first.nomad.call("PUT", f"/v1/job/{STORE}/evaluate", {"JobID": STORE})
    finally:
        second.heal()
    wait.until("its return", lambda: is_well(first, second), LIMIT_SECONDS)


def test_a_third_machine_makes_three_servers_again(lab: Laboratory, first: Machine) -> None:
    lab.machines[2].admin("join", first.invite())
    everybody = {machine.address for machine in lab.machines}
    wait.until("three voters", partial(are_voters, first, everybody), VOTES_SECONDS)


def are_voters(first: Machine, addresses: set[str]) -> bool:
    try:
        return voters(first) == [addresses] * 2
    except ApiError:  # they elect a leader
        return False


def is_gone(first: Machine, lost: Machine) -> bool:
    with first.inside():
        return lost.name not in members.alive(first.consul)


def is_healthy(machine: Machine) -> bool:
    return machine.admin("status", check=False).returncode == 0


def is_well(first: Machine, machine: Machine) -> bool:
    row = listed(first)[machine.name]  # waits itself while the servers elect
    return (row["agents"], row["nomad"]) == ("alive", "ready")
