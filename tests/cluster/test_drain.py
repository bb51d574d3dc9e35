"""Work on a cluster under load: a drain of a machine, and rotations of secrets and passwords."""

import time
from functools import partial

import pytest

from tasktracker_cluster.agents import certificates, gossip, renewed_tokens
from tasktracker_cluster.agents.certificates import Identity
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.topology import DATABASES, GATEWAY, SERVICES
from tests import doors
from tests.cluster import health, load, losses
from tests.cluster.losses import Loss

pytestmark = pytest.mark.drill


@pytest.mark.parametrize("number", [2, 3])
def test_a_drained_machines_services_move_and_no_request_to_the_others_fails(
    grown: Laboratory, number: int
) -> None:
    first, drained = grown.machines[0], grown.machines[number - 1]
    living = [machine for machine in grown.machines if machine is not drained]
    with load.requests(grown, living, f"drain{number}") as sent:
        begin = time.monotonic()
        first.admin("node", "drain", drained.name)
        moved = time.monotonic() - begin
        with first.inside():
            placed = {s.name: first.allocations(s.name) for s in SERVICES}
            gateways = {each["NodeName"] for each in first.allocations(GATEWAY)}
        back = time.monotonic()
        first.admin("node", "enable", drained.name)
        first.admin("up")
        green = time.monotonic() - back
    missing = losses.missing(grown, sent, f"drain{number}")
    losses.record(Loss(f"machine {number} drained", sent, missing, green, moved))
    assert {name: len(known) for name, known in placed.items()} == dict.fromkeys(placed, 2)
    nodes = {each["NodeName"] for known in placed.values() for each in known}
    assert drained.name not in nodes | gateways
    assert sent.failed == []
    assert set(sent.acknowledged) <= load.titles(grown, first, f"drain{number}")


def test_each_machine_has_its_members_again_after_its_drain(grown: Laboratory) -> None:
    first, names = grown.machines[0], [machine.name for machine in grown.machines]
    for database in DATABASES:
        wait.until(
            f"three members of {database.name}",
            partial(has_nodes, first, database.name, names),
            health.LIMIT_SECONDS,
        )


def has_nodes(first: Machine, job: str, names: list[str]) -> bool:
    return health.nodes_of(first, job) == names


def test_every_secret_rotates_on_all_machines_without_a_failed_request(
    grown: Laboratory,
) -> None:
    first, before = grown.machines[0], [secrets_of(machine) for machine in grown.machines]
    with load.requests(grown, grown.machines, "rotate") as sent:
        for kind in ("gossip", "agent-tokens", "certificates"):
            first.admin("rotate", kind)
        leaves = [leaf_of(machine) for machine in grown.machines]
        first.admin("rotate", "authority")
    assert sent.failed == []
    assert set(sent.acknowledged) <= load.titles(grown, first, "rotate")
    with first.inside():
        keys = gossip.keys("consul", first.consul) | gossip.keys("nomad", first.nomad)
        tokens = first.consul.call("GET", "/v1/acl/tokens")
    known = {t["SecretID"] for t in tokens if t["Description"] != renewed_tokens.ENDED}
    for machine, old in zip(grown.machines, before, strict=True):
        new = secrets_of(machine)
        assert new.keys() == old.keys()
        assert [name for name in new if new[name] == old[name]] == []
        assert known.isdisjoint(old.values())
        assert keys.isdisjoint(old.values())

    for machine in grown.machines:
        with machine.inside():
            opened = [doors.open_to(machine.site, leaf) for leaf in leaves]
            assert opened == [set()] * 3, machine.name
            assert doors.open_to(machine.site, leaf_of(machine)) == doors.ALL, machine.name


def leaf_of(machine: Machine) -> Identity:
    return certificates.identity(machine.site, certificates.NOMAD)


def test_the_passwords_of_the_databases_rotate_and_the_services_go_on_while_others_lead(
    grown: Laboratory,
) -> None:
    """A member has the passwords of its start, and must not set them again when it leads."""
    first = grown.machines[0]
    with load.requests(grown, grown.machines, "passwords") as sent:
        for _ in range(2):
            first.admin("rotate", "db-password")
            first.admin("db", "switchover")
            health.settle(grown)  # the other members follow
    # A switchover waits half a second for writes that go on. On a busy machine a few take longer.
    assert {failure.status for failure in sent.failed} <= {503}
    assert len(sent.failed) < sent.sent / 50  # far more, if the services could not log in
    assert set(sent.acknowledged) <= load.titles(grown, first, "passwords")


def secrets_of(machine: Machine) -> dict[str, str]:
    """Return the content of every file of secrets of a machine, by its name."""
    return {file.name: file.read_text().strip() for file in machine.site.secrets.iterdir()}
