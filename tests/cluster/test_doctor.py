"""What each machine sees of the others: doctor, status, logs and top have all."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tasktracker_cluster.doctor.first_machine import PATH
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.testing.throwaway import frozen
from tasktracker_cluster.topology import DATABASES, GATEWAY, SERVICES
from tests.cluster import health, load

LIMIT_SECONDS = 300  # generous: the machines of a test share two busy cores

pytestmark = pytest.mark.drill

Row = dict[str, Any]


@pytest.fixture
def settled(grown: Laboratory) -> Iterator[Laboratory]:
    """Begin and end with a cluster without a fault."""
    health.settle(grown)
    yield grown
    health.settle(grown)


def rows(machine: Machine, *words: str) -> list[Row]:
    # Without a leader of Consul it ends with an error, and prints no rows.
    return list(json.loads(machine.admin(*words, "--json", check=False).stdout or "[]"))


def broken(machine: Machine) -> dict[tuple[str, str], str]:
    """Return the details of the broken hops that doctor finds on a machine, by path and hop."""
    found = rows(machine, "doctor")
    return {(each["path"], each["hop"]): each["detail"] for each in found
            if each["state"] == "broken"}  # fmt: skip


def await_broken(machine: Machine, path: str, hop: str, problem: str) -> None:
    """Wait until a hop is broken for this reason: a fault takes time to spread."""
    last: dict[tuple[str, str], str] = {}

    def is_found() -> bool:
        last.clear()
        last.update(broken(machine))
        return problem in last.get((path, hop), "")

    try:
        wait.until(f"{hop} of {path}: {problem}", is_found, LIMIT_SECONDS)
    except NotReadyError as error:
        raise AssertionError(f"{error} {machine.name} finds: {last}") from error


def await_well(machine: Machine) -> list[Row]:
    """Return the hops of a machine as soon as all work: a late answer is a broken hop, too."""
    last: list[Row] = []

    def is_well() -> bool:
        result = machine.admin("doctor", "--json", check=False)
        last[:] = json.loads(result.stdout or "[]")
        is_ok = bool(last) and all(each["state"] == "ok" for each in last)
        assert is_ok == (result.returncode == 0), result
        return is_ok

    try:
        wait.until("hops that all work", is_well, LIMIT_SECONDS)
    except NotReadyError as error:
        failing = [each for each in last if each["state"] != "ok"]
        raise AssertionError(f"{error} {machine.name} finds: {failing}") from error
    return last


def is_on(machine: Machine, job: str) -> bool:
    """Return whether a job has an instance on a machine, as that machine may read it."""
    with machine.inside():
        return machine.name in {each["NodeName"] for each in machine.allocations(job)}


def test_from_each_machine_every_hop_works(settled: Laboratory) -> None:
    for machine in settled.machines:
        found = await_well(machine)
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
    problem = f"on {lost.name} makes no connection"
    with frozen(lost.sidecar_pid(service)):
        for machine in (first, other):
            await_broken(machine, service, "sidecar", problem)
        await_broken(other, PATH, service, problem)  # the first machine was asked


def test_a_gateway_that_hangs_is_named_with_its_machine_from_all(settled: Laboratory) -> None:
    first, lost, other = settled.machines
    with frozen(lost.task_pid(GATEWAY, "traefik")):
        for machine in (first, other):
            await_broken(machine, lost.name, "gateway", f"the gateway fails: ping on {lost.name}")
        await_broken(lost, "gateway", "Traefik", "Traefik cannot be reached")
        await_broken(lost, PATH, lost.name, lost.name)


def test_each_machine_shows_the_agents_leaders_jobs_and_members_of_all(grown: Laboratory) -> None:
    first, *others = grown.machines
    names = {machine.name for machine in grown.machines}

    def shown(machine: Machine) -> set[tuple[str, str]]:
        found = rows(machine, "status")
        return {(row["kind"], row["name"]) for row in found if row["kind"] != "agent"}

    for machine in others:
        # One is asked after the other, and an instance may start or end in between.
        wait.until("the same rows", same(shown, machine, first), LIMIT_SECONDS)
    for machine in grown.machines:
        found = wait.until("both leaders", partial(led, machine), LIMIT_SECONDS)
        states = {row["name"]: row["state"] for row in found if row["kind"] == "machine"}
        assert states.keys() == names
        for database in DATABASES:
            nodes = [row["nodes"] for row in found if row["kind"] == "member"
                     and row["name"].startswith(database.name)]  # fmt: skip
            assert sorted(nodes) == [[name] for name in sorted(names)]


def led(machine: Machine) -> list[Row] | None:
    """Return what a machine shows when Consul and Nomad have a leader: they elect at times."""
    found = rows(machine, "status")
    states = " ".join(row["state"] for row in found if row["kind"] == "machine")
    return found if "Consul" in states and "Nomad" in states else None


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
        return bool(one) and one == other  # without a leader neither shows anything

    return is_same


def test_each_machine_counts_the_requests_that_came_by_another_gateway(grown: Laboratory) -> None:
    first, second, third = grown.machines
    with load.requests(grown, [first], "top"):
        for machine in (second, third):
            wait.until("all figures", partial(counts, machine), LIMIT_SECONDS)


def counts(machine: Machine) -> bool:
    """Return whether a machine shows the requests, and the memory of all. A late figure is none."""
    found = {row["name"]: row for row in rows(machine, "top", "--once")}
    jobs = [each.name for each in (*SERVICES, *DATABASES)]
    return all(found.get(job, {}).get("memory_mib") for job in jobs) and bool(
        found["task-service"]["requests_per_second"]
    )
