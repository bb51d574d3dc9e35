"""A killed agent is restarted, without a failed request."""

import os
import signal
import time
from pathlib import Path

import pytest

from tasktracker_cluster.agents import consul
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.throwaway import ThrowawayCluster, User
from tasktracker_cluster.topology import JOBS
from tests.e2e.traffic import titles, writing

# A Nomad client saves its allocations' networks once a minute. After a kill -9 it drops allocations
# without a saved network (docs/decisions/0003-raw-exec.md), so they must be older than that,
# and the time that a busy machine takes to make a network.
SAVED_SECONDS = 75

LIMIT_SECONDS = 180  # generous: a machine may be busy. The drills measure the times.


@pytest.fixture(scope="module")
def grace(cluster: ThrowawayCluster) -> User:
    cluster.settle()
    return cluster.user("grace")


@pytest.fixture(autouse=True)
def adoptable(settled: None, cluster: ThrowawayCluster) -> None:
    """Wait until Nomad can adopt every task."""
    wait.until("allocations that Nomad has saved", lambda: _saved(cluster), SAVED_SECONDS * 2)


@pytest.mark.parametrize("agent", ["consul", "nomad"])
def test_a_killed_agent_is_restarted_and_no_request_fails(
    cluster: ThrowawayCluster, grace: User, agent: str
) -> None:
    databases = {name: cluster.postmaster(name) for name in ("user-db", "task-db")}
    application = cluster.service_pid("task_service")
    with grace.http() as client:
        with writing(client) as traffic:
            wait.until("some writes", lambda: len(traffic.acknowledged) > 5, LIMIT_SECONDS)
            _kill(cluster, agent)
            so_far = len(traffic.acknowledged)
            wait.until(
                "more writes", lambda: len(traffic.acknowledged) > so_far + 20, LIMIT_SECONDS
            )
        assert set(traffic.acknowledged) <= titles(client)
    assert traffic.failed == []
    assert {name: cluster.postmaster(name) for name in databases} == databases
    assert cluster.service_pid("task_service") == application
    wait.until(
        "health", lambda: cluster.admin("status", check=False).returncode == 0, LIMIT_SECONDS
    )


def test_a_service_keeps_its_health_until_the_next_consul_has_asked_it(
    cluster: ThrowawayCluster,
) -> None:
    # As it comes, Consul would call it critical (docs/decisions/0082-consul-restart.md).
    checks = {
        "asked": {"HTTP": "http://127.0.0.1:1/", "Interval": "1000h", "Status": "passing"},
        "telling": {"TTL": "1000h", "Status": "passing"},
    }
    probe = [{"CheckID": name, **each} for name, each in checks.items()]
    cluster.consul.call("PUT", "/v1/agent/service/register", {"Name": "probe", "Checks": probe})
    try:
        _kill(cluster, "consul")
        wait.until("its leader", lambda: consul.has_leader(cluster.consul), LIMIT_SECONDS)
        found = cluster.consul.call("GET", "/v1/agent/checks")
    finally:
        cluster.consul.call("PUT", "/v1/agent/service/deregister/probe")
    assert {name: found[name]["Status"] for name in checks} == {
        "asked": "passing",
        "telling": "critical",  # nobody can know when it would have told
    }


def test_an_adopted_task_has_a_parent_that_reaps_it_and_comes_back(
    cluster: ThrowawayCluster,
) -> None:
    application = cluster.service_pid("task_service")
    executor = _parent(application)
    _kill(cluster, "nomad")

    supervisor = int((cluster.site.run / "supervisord.pid").read_text())
    assert _parent(executor) == _parent(supervisor)
    assert Path(f"/proc/{_parent(executor)}/comm").read_text() == "tini\n"

    os.kill(application, signal.SIGKILL)
    wait.until("its executor's end", lambda: not Path(f"/proc/{executor}").exists(), LIMIT_SECONDS)
    wait.until("a new process", lambda: cluster.service_pid("task_service"), LIMIT_SECONDS)


def _kill(cluster: ThrowawayCluster, agent: str) -> None:
    """Kill an agent, and wait until the next one leads."""
    old = cluster.agent_pid(agent)
    os.kill(old, signal.SIGKILL)
    wait.until(f"a new {agent}", lambda: cluster.agent_pid(agent) not in (0, old), LIMIT_SECONDS)
    api = cluster.consul if agent == "consul" else cluster.nomad
    wait.until("a leader", lambda: api.answers("/v1/status/leader"), LIMIT_SECONDS)


def _parent(pid: int) -> int:
    """Return the process id of a process's parent."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def _saved(cluster: ThrowawayCluster) -> bool:
    created = [cluster.allocation(job)["CreateTime"] for job in JOBS]
    return bool(time.time() - max(created) / 1e9 > SAVED_SECONDS)
