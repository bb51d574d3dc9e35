"""What the operator's commands say of three machines: their health, votes and instances."""

import json
from contextlib import suppress

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import AdminError
from tasktracker_cluster.jobs import lateness, placement
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.topology import SERVICES

LIMIT_SECONDS = 300  # Nomad itself gives an instance four minutes to start on a busy machine


def settle(lab: Laboratory) -> None:
    """Wait until all is well on all machines, and each service is on two of them."""
    first = lab.machines[0]
    wait.until("a cluster without a fault", lambda: is_well(first, 3), LIMIT_SECONDS)
    with first.inside():
        placement.spread_out(first.as_operator)


def is_well(machine: Machine, servers: int) -> bool:
    """Return whether every instance is healthy for the operator, and so many servers vote."""
    # Without a leader of Consul, `status` ends with an error and prints no rows.
    rows = json.loads(machine.admin("status", "--json", check=False).stdout or "[]")
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
        cluster = first.as_operator
        running = [each for each in first.allocations(job) if each["ClientStatus"] == "running"]
        # Also one that passed its checks only after Nomad's deadline.
        return sorted(
            each["NodeName"] for each in running if lateness.serving(cluster, job, [each])
        )


def are_elsewhere(first: Machine, lost: Machine) -> bool:
    """Return whether each service has its two instances on other machines than the lost one.

    While Nomad has no leader to ask, it does not.
    """
    with suppress(AdminError):
        nodes = [nodes_of(first, service.name) for service in SERVICES]
        return all(len(each) == placement.SEVERAL and lost.name not in each for each in nodes)
    return False


def api_of(machine: Machine, agent: str) -> Api:
    """Return the API of a machine's agent."""
    return machine.consul if agent == "consul" else machine.nomad


def leading(lab: Laboratory, agent: str) -> Machine | None:
    """Return the machine whose agent leads, None while there is no leader."""
    first = lab.machines[0]
    with first.inside(), suppress(AdminError):
        address = str(api_of(first, agent).call("GET", "/v1/status/leader")).rpartition(":")[0]
        return next((machine for machine in lab.machines if machine.address == address), None)
    return None
