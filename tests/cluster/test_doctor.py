"""What each machine sees of the others: doctor, status, logs and top have all."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasktracker_cluster.doctor.first_machine import PATH
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.testing.throwaway import frozen
from tasktracker_cluster.topology import DATABASES, GATEWAY, SERVICES
from tests.cluster import health, load

LIMIT_SECONDS = 120  # generous: the machines of a test share two busy cores

pytestmark = pytest.mark.drill

Row = dict[str, Any]


@pytest.fixture
def settled(grown: Laboratory) -> Iterator[Laboratory]:
    """Begin and end with a cluster without a fault."""
    health.settle(grown)
    yield grown
    health.settle(grown)


def rows(machine: Machine, *words: str) -> list[Row]:
    return list(json.loads(machine.admin(*words, "--json", check=False).stdout))


def broken(machine: Machine) -> dict[tuple[str, str], str]:
    """Return the details of the broken hops that doctor finds on a machine, by path and hop."""
    found = rows(machine, "doctor")
    return {(each["path"], each["hop"]): each["detail"] for each in found
            if each["state"] == "broken"}  # fmt: skip


def await_broken(machine: Machine, path: str, hop: str) -> str:
    """Return the detail of a hop as soon as it is broken: a fault takes time to spread."""

    def find() -> str | None:
        return broken(machine).get((path, hop))

    return wait.until(f"{hop} of {path} to be broken", find, LIMIT_SECONDS)


def is_on(machine: Machine, job: str) -> bool:
    """Return whether a job has an instance on a machine, as that machine may read it."""
    with machine.inside():
        return machine.name in {each["NodeName"] for each in machine.allocations(job)}


def test_from_each_machine_every_hop_works(settled: Laboratory) -> None:
    for machine in settled.machines:
        result = machine.admin("doctor", "--json", check=False)
        found = json.loads(result.stdout)
        assert [each for each in found if each["state"] != "ok"] == [], machine.name
        assert result.returncode == 0
        paths = {each["path"] for each in found}
        assert {service.name for service in SERVICES} <= paths
        assert {each.name for each in settled.machines} <= paths
        told = {each["hop"] for each in found if each["path"] == PATH}
        assert told == (set() if machine is settled.machines[0] else paths - {PATH})


def test_a_sidecar_that_hangs_is_named_with_its_machine_from_the_others(
    settled: Laboratory,
) -> None:
    first, *others = settled.machines
    lost, service = next(
        (machine, each.name) for machine in others for each in SERVICES if is_on(machine, each.name)
    )
    (other,) = [machine for machine in others if machine is not lost]
    with frozen(lost.sidecar_pid(service)):
        there, here = broken(first), broken(other)
    problem = f"on {lost.name} makes no connection"
    assert problem in there[service, "sidecar"]
    assert problem in here[service, "sidecar"]
    assert problem in here[PATH, service], "the first machine was asked"


def test_a_gateway_that_hangs_is_named_with_its_machine_from_all(settled: Laboratory) -> None:
    first, lost, other = settled.machines
    with frozen(lost.task_pid(GATEWAY, "traefik")):
        for machine in (first, other):
            detail = await_broken(machine, lost.name, "gateway")
            assert detail == f"the gateway fails: ping on {lost.name}"
        found = broken(lost)
        assert "Traefik cannot be reached" in found["gateway", "Traefik"]
        assert lost.name in found[PATH, lost.name]


def test_each_machine_shows_the_agents_leaders_jobs_and_members_of_all(grown: Laboratory) -> None:
    first, *others = grown.machines
    names = {machine.name for machine in grown.machines}

    def shown(machine: Machine) -> set[tuple[str, str]]:
        found = rows(machine, "status")
        return {(row["kind"], row["name"]) for row in found if row["kind"] != "agent"}

    for machine in others:
        assert shown(machine) == shown(first)
    for machine in grown.machines:
        found = rows(machine, "status")
        states = {row["name"]: row["state"] for row in found if row["kind"] == "machine"}
        assert states.keys() == names
        for leader in ("Consul", "Nomad"):
            assert [state for state in states.values() if leader in state] != []
        for database in DATABASES:
            nodes = [row["nodes"] for row in found if row["kind"] == "member"
                     and row["name"].startswith(database.name)]  # fmt: skip
            assert sorted(nodes) == [[name] for name in sorted(names)]


def test_a_joined_machine_shows_the_logs_of_all_instances_and_follows_none(
    grown: Laboratory,
) -> None:
    first, second, _ = grown.machines
    for job in ("user-db", "task-db"):

        def lines(machine: Machine, job: str = job) -> list[str]:
            return machine.admin("logs", job, "-n", "3").stdout.splitlines()

        wait.until("the same lines", same(lines, first, second), LIMIT_SECONDS)
        assert lines(second)
    assert second.admin("logs", "consul", "-n", "3").stdout.count("\n") == 3
    refused = second.admin("logs", "task-service", "-f", check=False)
    assert refused.returncode == 2
    assert f"follow it on the first machine, {first.address}" in refused.stderr
    searched = second.admin("logs", "--since", "1h", "-n", "1")
    assert "Only the logs of this machine were searched" in searched.stderr


def same(read: Callable[[Machine], object], *machines: Machine) -> Callable[[], bool]:
    def is_same() -> bool:
        one, other = map(read, machines)
        return one == other

    return is_same


def test_each_machine_counts_the_requests_that_came_by_another_gateway(grown: Laboratory) -> None:
    first, second, third = grown.machines
    with load.requests(grown, [first], "top"):
        for machine in (second, third):
            found = {row["name"]: row for row in rows(machine, "top", "--once")}
            assert found["task-service"]["requests_per_second"] > 0
            for job in (*(each.name for each in SERVICES), *(each.name for each in DATABASES)):
                assert found[job]["memory_mib"], job
