"""membership.follower: how often a promotion restarts the agents, under a real supervisor."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Refusal, Request
from cluster.tests.membership.conftest import First, Joins
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.machine import network, wait
from tasktracker_cluster.membership import follower, members
from tasktracker_cluster.site import Site

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the supervisor runs as root")

ROOT = Path(__file__).parents[3]
LEADER, TOKEN, KEYS = "/v1/status/leader", "/v1/acl/token/self", "/.well-known/jwks.json"


def agent(site: Site, name: str) -> None:
    """Put a program in the place of an agent. It notes each of its starts."""
    program = site.bin / name
    program.write_text(f"#!/bin/sh\necho start >>{site.home}/{name}.starts\nexec sleep 1000\n")
    program.chmod(0o755)


def starts(site: Site) -> list[int]:
    """Return how often each agent started, as soon as both run again."""

    def count() -> list[int]:
        files = [site.home / f"{name}.starts" for name in supervisor.AGENTS]
        return [len(file.read_text().splitlines()) for file in files]

    def run_again() -> bool:
        states = {each.name: each.state for each in supervisor.processes(site)}
        return min(count()) > 1 and all(states[name] == "RUNNING" for name in supervisor.AGENTS)

    wait.until("both agents to run again", run_again, 30)
    return count()


@pytest.fixture
def joined(first: First, join: Joins, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Give a machine that runs as a client, and shall be a server."""
    monkeypatch.setattr(network, "interface_of", lambda _address: "eth0")
    monkeypatch.setattr(follower, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(follower, "LIMIT_SECONDS", 0.2)
    site = replace(join(folder="m"), checkout=ROOT)
    for folder in (site.bin, site.agent, site.logs, site.run):
        folder.mkdir()
    cluster = FakeCluster(site, first.nomad, first.consul)
    for name in supervisor.AGENTS:
        agent(site, name)
    first.consul.answers |= {LEADER: "10.0.0.1:8300", TOKEN: {}, "/v1/status/peers": []}
    first.nomad.answers |= {LEADER: "10.0.0.1:4647", KEYS: {"keys": [1]}, "/v1/status/peers": []}
    members.set_servers(first.cluster.consul, ["node-1", "node-2", "node-3"])
    supervisor.render(site, cluster.tokens)
    supervisord = Path(sys.executable).with_name("supervisord")
    conf = site.agent / "supervisord.conf"
    with subprocess.Popen([supervisord, "-n", "-c", conf], stdout=subprocess.DEVNULL) as process:
        wait.until("the supervisor", lambda: supervisor.is_running(site), 30)
        supervisor.ensure(site, "nomad", changed=False)
        for name in supervisor.AGENTS:
            file = site.home / f"{name}.starts"
            wait.until("the agent", file.exists, 30)
        yield cluster
        process.terminate()


def test_a_vote_that_takes_long_restarts_the_agents_only_once(
    joined: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    follower.follow(joined)
    assert joined.site.node.is_server
    assert (joined.site.agent / "nomad" / "server.hcl").exists()
    assert "for this machine's vote, without success" in capsys.readouterr().err
    assert starts(joined.site) == [2, 2]


def test_a_promotion_that_fails_half_way_goes_on_without_another_restart(
    first: First,
    joined: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(supervisor, "LIMIT_SECONDS", 0.5)
    refused = iter(range(20))

    def no_leader_at_first(_request: Request) -> object:
        return Refusal(500) if next(refused, None) is not None else "10.0.0.1:8300"

    first.consul.answers[LEADER] = no_leader_at_first
    follower.follow(joined)
    assert joined.site.node.is_server
    assert starts(joined.site) == [2, 2]
    printed = capsys.readouterr().err
    assert printed.count("for a response of consul") == 1, printed
