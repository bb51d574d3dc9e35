"""membership.follower: how often a change restarts the agents, under a real supervisor."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Refusal, Request
from cluster.tests.killed import KilledError, killed_at
from cluster.tests.membership.conftest import First, Joins
from cluster.tests.membership.test_member_server import names
from tasktracker_cluster.agents import certificates, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, NotReadyError, UnreachableFirstError
from tasktracker_cluster.machine import network, wait
from tasktracker_cluster.membership import caller, follower, members, renewal
from tasktracker_cluster.site import Site

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the supervisor runs as root")

ROOT = Path(__file__).parents[3]
RAFT = "/v1/operator/raft/configuration"
LEADER, TOKEN, KEYS = "/v1/status/leader", "/v1/acl/token/self", "/.well-known/jwks.json"


def agent(site: Site, name: str) -> None:
    """Put a program in the place of an agent. It notes each of its starts."""
    program = site.bin / name
    program.write_text(f"#!/bin/sh\necho start >>{site.home}/{name}.starts\nexec sleep 1000\n")
    program.chmod(0o755)


def starts(site: Site, least: int = 2) -> list[int]:
    """Return how often each agent started, as soon as both run for the `least` time."""

    def count() -> list[int]:
        files = [site.home / f"{name}.starts" for name in supervisor.AGENTS]
        return [len(file.read_text().splitlines()) for file in files]

    def run_again() -> bool:
        states = {each.name: each.state for each in supervisor.processes(site)}
        return min(count()) >= least and all(
            states[name] == "RUNNING" for name in supervisor.AGENTS
        )

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
        # A supervisor that is told to end takes four seconds.
        running = [each.pid for each in supervisor.processes(site) if each.pid]
        process.kill()
        process.wait()
        for pid in running:
            os.kill(pid, signal.SIGKILL)


def test_a_vote_that_takes_long_restarts_the_agents_only_once(
    joined: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    follower.become_server(joined)
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
    follower.become_server(joined)
    assert joined.site.node.is_server
    assert starts(joined.site) == [2, 2]
    printed = capsys.readouterr().err
    assert printed.count("for a response of consul") == 1, printed


@pytest.fixture
def server(first: First, joined: Cluster) -> Cluster:
    """Give a machine that runs as a server and has data, and shall be a client."""
    follower.become_server(joined)
    for file in ("consul/raft/raft.db", "consul/server_metadata.json", "nomad/server/node-id"):
        (joined.site.home / file).parent.mkdir(parents=True, exist_ok=True)
        (joined.site.home / file).touch()
    for agent in (first.consul, first.nomad):
        agent.answers[RAFT] = {"Servers": []}
    members.set_servers(first.cluster.consul, ["node-1"])
    return joined


def check_client(site: Site) -> None:
    """Check that nothing of a server is left."""
    assert not site.node.is_server
    for agent in supervisor.AGENTS:
        assert not (site.agent / agent / "server.hcl").exists()
    for path in ("consul/raft", "consul/server_metadata.json", "nomad/server"):
        assert not (site.home / path).exists()
    own = certificates.identity(site, certificates.CONSUL_CLIENT)
    assert names(own.certificate) == ["client.dc1.consul"]


def test_a_server_that_shall_be_a_client_loses_its_vote_then_its_data(server: Cluster) -> None:
    follower.become_client(server)
    check_client(server.site)
    assert starts(server.site, 3) == [3, 3]


def test_without_a_list_of_servers_a_server_stays_one(
    first: First, server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.consul.keys.pop("tasktracker/servers")
    asked = iter(range(3))

    def watch(*_arguments: object) -> tuple[list[str], int]:
        if next(asked, None) is None:
            raise KilledError
        return [], 0

    monkeypatch.setattr(members, "watch_servers", watch)
    with pytest.raises(KilledError):
        follower.become_client(server)
    assert server.site.node.is_server


def test_servers_that_keep_their_votes_while_they_end_start_again(
    first: First, server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "ENDING_SECONDS", 0)
    call, asked = caller.call, iter(range(9))

    def no_leader(site: Site, path: str, body: dict[str, object]) -> object:
        # The second time the agents have ended.
        if path == "/demote" and next(asked) == 1:
            raise ApiError("Consul has no leader.")
        return call(site, path, body)

    monkeypatch.setattr(caller, "call", no_leader)
    with pytest.raises(NotReadyError):
        follower.demote(server, set())
    assert server.site.node.is_server
    assert (server.site.home / "consul/raft/raft.db").exists()
    assert (server.site.home / "nomad/server/node-id").exists()
    assert starts(server.site, 3) == [3, 3]
    follower.become_client(server)
    check_client(server.site)


def test_both_agents_run_again_when_a_demotion_fails_and_the_first_machine_is_gone(
    first: First, server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "ENDING_SECONDS", 0)
    monkeypatch.setattr(supervisor, "LIMIT_SECONDS", 0.5)
    call, asked = caller.call, iter(range(9))

    def vanishes(site: Site, path: str, body: dict[str, object]) -> object:
        if path == "/demote" and next(asked):
            first.consul.answers[LEADER] = Refusal(500)
            raise UnreachableFirstError("The first machine does not answer.")
        return call(site, path, body)

    monkeypatch.setattr(caller, "call", vanishes)
    with pytest.raises(NotReadyError, match="consul"):
        follower.demote(server, set())
    assert starts(server.site, 3) == [3, 3]


def test_clients_start_without_the_first_machine_and_get_certificates_later(
    first: First, server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise UnreachableFirstError("The first machine does not answer.")

    with monkeypatch.context() as away:
        away.setattr(renewal, "renew", unreachable)
        follower.become_client(server)
    assert not server.site.node.is_server
    assert starts(server.site, 3) == [3, 3]
    assert [each.name for each in renewal.due(server.site, renewal.of_machine(server.site))] == [
        "consul",
        "nomad",
    ]


@pytest.mark.parametrize("step", range(18))
def test_a_demotion_that_is_killed_is_completed_by_the_next_one(server: Cluster, step: int) -> None:
    """The program that follows starts again: first it starts what does not run."""
    with killed_at(step), suppress(KilledError):
        follower.become_client(server)
    follower.complete(server)
    follower.become_client(server)
    check_client(server.site)


def test_agents_that_run_are_left_alone_when_the_program_starts_again(server: Cluster) -> None:
    before = starts(server.site)
    (server.site.agent / "consul" / "server.hcl").unlink()  # as if the checkout were another one
    follower.complete(server)
    assert starts(server.site) == before
    supervisor.halt(server.site, "nomad")
    follower.complete(server)
    assert starts(server.site) == [before[0] + 1, before[1] + 1]
    assert (server.site.agent / "consul" / "server.hcl").exists()
