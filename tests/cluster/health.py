"""What the operator's commands say of three machines: their health, votes and instances."""

import json

from tasktracker_cluster.jobs import placement
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.topology import SERVICES

LIMIT_SECONDS = 120


def settle(lab: Laboratory) -> None:
    """Wait until all is well on all machines, and each service is on two of them."""
    first = lab.machines[0]
    wait.until("a cluster without a fault", lambda: is_well(first, 3), LIMIT_SECONDS)
    with first.inside():
        placement.spread_out(first.as_operator)


def is_well(machine: Machine, servers: int) -> bool:
    """Return whether every instance is healthy for the operator, and so many servers vote."""
    rows = json.loads(machine.admin("status", "--json", check=False).stdout)
    running = [row["running"] == row["wanted"] for row in rows if row["kind"] == "job"]
    passing = {row["health"] for row in rows} == {"passing"}
    return passing and all(running) and list(map(len, voters(machine))) == [servers] * 2


def voters(machine: Machine) -> list[set[str]]:
    """Return the voting servers of Consul and of Nomad, by their addresses.

    A server that came back votes later.
    """
    path = "/v1/operator/raft/configuration"
    with machine.inside():
        servers = [api.call("GET", path)["Servers"] for api in (machine.consul, machine.nomad)]
    return [{s["Address"].rpartition(":")[0] for s in each if s["Voter"]} for each in servers]


def nodes_of(first: Machine, job: str) -> list[str]:
    """Return the nodes of the healthy instances of a job."""
    with first.inside():
        known = first.allocations(job)
    return sorted(
        each["NodeName"]
        for each in known
        if each["ClientStatus"] == "running" and (each["DeploymentStatus"] or {}).get("Healthy")
    )


def are_elsewhere(first: Machine, lost: Machine) -> bool:
    """Return whether each service has its two instances on other machines than the lost one."""
    nodes = [nodes_of(first, service.name) for service in SERVICES]
    return all(len(each) == placement.SEVERAL and lost.name not in each for each in nodes)
