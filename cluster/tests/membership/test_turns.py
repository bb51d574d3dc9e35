"""membership.turns: a joined machine replaces its secrets when it is its turn, and only then."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from cluster.tests.fake_cluster import ClusterWithToken, FakeCluster
from cluster.tests.killed import every_kill
from cluster.tests.membership.conftest import First, Joins
from tasktracker_cluster.agents import (
    authorities,
    certificates,
    credentials,
    ownership,
    supervisor,
)
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, BusyError, RefusedJoinError
from tasktracker_cluster.membership import (
    caller,
    follower,
    member_server,
    members,
    node_tokens,
    refreshing,
    renewal,
    rotations,
    turns,
)
from tasktracker_cluster.membership.rotations import (
    AGENT_TOKENS,
    AUTHORITY,
    CERTIFICATES,
    GOSSIP,
    Rotation,
)
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site

ROOT = Path(__file__).parents[3]
NEW_KEY = "the new key"


@pytest.fixture
def refreshed(monkeypatch: pytest.MonkeyPatch) -> list[Cluster]:
    """Return the clusters whose agents were to use new secrets. There are no agents."""
    found: list[Cluster] = []
    monkeypatch.setattr(refreshing, "refresh", found.append)
    return found


@pytest.fixture
def second(first: First, join: Joins, refreshed: list[Cluster]) -> FakeCluster:
    """Give a machine that has joined, with rendered configuration."""
    site = replace(join(), checkout=ROOT)
    for agent in ("consul", "nomad"):
        (site.agent / agent).mkdir(parents=True)
        key = credentials.gossip_key(site, agent)
        (site.agent / agent / "node.hcl").write_text(f'encrypt = "{key}"\n')
    return ClusterWithToken(site, first.nomad, first.consul)


Turn = Callable[[str], Rotation]


@pytest.fixture
def turn(first: First, second: FakeCluster) -> Turn:
    """Return a function that gives a machine its turn, and waits until it has taken it."""

    def turn(what: str, identifier: str = "1") -> Rotation:
        rotation = Rotation(identifier, what, "node-2")
        rotations.put(first.cluster.consul, rotation)
        turns.follow(second)
        return rotation

    return turn


def record(first: First) -> members.Member:
    return next(m for m in members.all_of(first.cluster.consul) if m.name == "node-2")


def tokens_of(site: Site) -> set[str]:
    return {
        credentials.path(site, name).read_text().strip()
        for name in ("consul_agent", "consul_nomad")
    }


@pytest.mark.parametrize(("stage", "stages"), [("", set()), (authorities.ISSUE, {"stage"})])
def test_a_record_has_a_stage_only_where_there_is_one(
    first: First, stage: str, stages: set[str]
) -> None:
    rotation = Rotation("1", AUTHORITY, "node-2", stage)  # an earlier version reads three
    rotations.put(first.cluster.consul, rotation)
    written = first.consul.keys["tasktracker/rotation"]
    assert written.keys() == {"identifier", "what", "machine"} | stages
    assert rotations.current(first.cluster.consul) == rotation


def test_new_gossip_keys_are_written_and_nothing_is_rerefreshed(
    first: First, second: FakeCluster, refreshed: list[Cluster], turn: Turn
) -> None:
    for agent in ("consul", "nomad"):
        credentials.set_gossip_key(first.site, agent, f"{NEW_KEY} of {agent}")
    turn(GOSSIP)
    site = second.site
    for agent in ("consul", "nomad"):
        assert credentials.gossip_key(site, agent) == f"{NEW_KEY} of {agent}"
        text = (site.agent / agent / "node.hcl").read_text()
        assert text == f'encrypt = "{NEW_KEY} of {agent}"\n'
    assert refreshed == []
    assert record(first).rotated == "1"


def test_a_machine_gets_new_certificates_and_its_old_one_is_refused(
    second: FakeCluster, refreshed: list[Cluster], turn: Turn
) -> None:
    site = second.site
    old = {r.name: certificates.identity(site, r) for r in renewal.of_machine(site)}
    turn(CERTIFICATES)
    for role in renewal.of_machine(site):
        assert certificates.identity(site, role).fingerprint != old[role.name].fingerprint
    assert len(refreshed) == 1
    certificates.write(site, "membership", old["membership"])
    with pytest.raises(RefusedJoinError):
        caller.call(site, "/certificates", {"requests": {}})


def test_a_machine_gets_new_tokens_and_the_old_ones_end_when_its_agents_use_them(
    first: First, second: FakeCluster, refreshed: list[Cluster], turn: Turn
) -> None:
    old = tokens_of(second.site)
    turn(AGENT_TOKENS)
    new = tokens_of(second.site)
    assert not new & old
    assert {token["SecretID"] for token in first.consul.tokens} == new
    assert refreshed[0].tokens.consul_agent in new, "the agents start with the new ones"


def test_tokens_of_an_attempt_that_failed_end_too(
    first: First, second: FakeCluster, monkeypatch: pytest.MonkeyPatch, turn: Turn
) -> None:
    outcomes = iter([BusyError("busy")])

    def refresh(_cluster: Cluster) -> None:
        if error := next(outcomes, None):
            raise error

    monkeypatch.setattr(refreshing, "refresh", refresh)
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 0.01)
    turn(AGENT_TOKENS)
    assert {token["SecretID"] for token in first.consul.tokens} == tokens_of(second.site)


def fail_once_behind(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> None:
    """Let a function raise ApiError once, after it has done its work."""
    real, errors = getattr(module, name), iter([ApiError("no answer")])

    def failing(*arguments: object) -> object:
        found = real(*arguments)
        if error := next(errors, None):
            raise error
        return found

    monkeypatch.setattr(module, name, failing)
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 0.01)


@pytest.mark.parametrize("name", ["make", "delete_old"])
def test_a_turn_goes_on_after_a_failure_of_the_first_machine(
    first: First,
    second: FakeCluster,
    refreshed: list[Cluster],
    monkeypatch: pytest.MonkeyPatch,
    turn: Turn,
    name: str,
) -> None:
    fail_once_behind(monkeypatch, node_tokens, name)
    turn(AGENT_TOKENS)
    assert record(first).rotated == "1"
    assert {token["SecretID"] for token in first.consul.tokens} == tokens_of(second.site)


@pytest.mark.parametrize(
    "become_server", [follower.become_server, lambda cluster: follower.promote(cluster, set())]
)
def test_a_server_gets_the_tokens_from_after_a_rotation(
    first: First,
    second: FakeCluster,
    refreshed: list[Cluster],
    monkeypatch: pytest.MonkeyPatch,
    turn: Turn,
    become_server: Callable[[Cluster], None],
) -> None:
    rendered: list[Tokens] = []

    def render(_site: Site, tokens: Tokens, _node: Node) -> dict[str, bool]:
        rendered.append(tokens)
        return dict.fromkeys(supervisor.AGENTS, False)

    monkeypatch.setattr(supervisor, "render", render)
    monkeypatch.setattr(supervisor, "ensure", lambda *_arguments: None)
    monkeypatch.setattr(supervisor, "wait_for", lambda *_arguments: None)
    monkeypatch.setattr(follower, "votes", lambda _cluster: True)
    monkeypatch.setattr(follower, "PAUSE_SECONDS", 0.01)
    waiting = second.anew()
    assert waiting.tokens  # as they are before the rotation
    turn(AGENT_TOKENS)
    members.set_servers(first.cluster.consul, ["node-1", "node-2"])
    become_server(waiting)
    assert {rendered[0].consul_agent, rendered[0].consul_nomad} == tokens_of(second.site)


def test_the_program_starts_with_the_pair_that_a_killed_one_has_left(
    first: First, second: FakeCluster, refreshed: list[Cluster], turn: Turn
) -> None:
    site = second.site
    for role in (certificates.TOOLS, certificates.MEMBERSHIP):
        found = certificates.identity(site, role)
        pair = site.secrets / f"{role.name}.pair"
        pair.write_text(json.dumps({"certificate": found.certificate, "key": found.key}))
        other = certificates.issue(certificates.authority(first.site), role)
        certificates.paths(site, role.name)[1].write_text(other.key)  # the certificate was next
    turn(GOSSIP)
    assert record(first).rotated == "1"
    assert certificates.client(site)


@pytest.mark.parametrize("what", [GOSSIP, CERTIFICATES, AGENT_TOKENS])
def test_after_a_kill_at_any_step_the_turn_is_taken(
    first: First, second: FakeCluster, refreshed: list[Cluster], what: str
) -> None:
    identifiers = map(str, itertools.count())

    def give() -> None:
        rotation = Rotation(next(identifiers), what, "node-2")
        for agent in supervisor.AGENTS:
            credentials.set_gossip_key(first.site, agent, f"{NEW_KEY} {rotation.identifier}")
        rotations.put(first.cluster.consul, rotation)

    def recover() -> None:
        running = rotations.current(first.cluster.consul)
        assert running
        if turns.is_due(second.anew(), running):
            turns.follow(second.anew())
        assert record(first).rotated == running.identifier
        must_have_new_secrets(first, second.site, what)
        give()

    give()
    assert every_kill(lambda: turns.follow(second.anew()), recover) > 3
    if what == AGENT_TOKENS:
        assert refreshed[-1].tokens == credentials.load(second.site)


def test_after_a_kill_at_any_step_of_any_stage_a_machine_has_the_new_authority(
    first: First, second: FakeCluster, refreshed: list[Cluster]
) -> None:
    site, identifiers = second.site, map(str, itertools.count())
    stages = itertools.cycle(authorities.STAGES)

    def give() -> None:
        rotation = Rotation(next(identifiers), AUTHORITY, "node-2", next(stages))
        if rotation.stage == authorities.FORGET:
            certificates.reissue(first.site, [certificates.MEMBERSHIP])
        # The first machine is the last one of each stage: until then its server is as before.
        first.server.context = member_server.context(first.cluster)
        authorities.prepare(first.site, rotation.stage)
        rotations.put(first.cluster.consul, rotation)

    def recover() -> None:
        running = rotations.current(first.cluster.consul)
        assert running
        if turns.is_due(second.anew(), running):
            turns.follow(second.anew())
        assert record(first).rotated == running.identifier
        assert certificates.trusted(site) == certificates.trusted(first.site)
        must_have_new_secrets(first, site, AUTHORITY)
        give()

    give()
    assert every_kill(lambda: turns.follow(second.anew()), recover) > 3


def must_have_new_secrets(first: First, site: Site, what: str) -> None:
    for role in renewal.of_machine(site):
        found = certificates.identity(site, role)
        assert found.is_pair
        assert certificates.is_valid(found, certificates.authority(first.site))
    assert {token["SecretID"] for token in first.consul.tokens} == tokens_of(site)
    if what == GOSSIP:
        for agent in supervisor.AGENTS:
            key = credentials.gossip_key(first.site, agent)
            assert credentials.gossip_key(site, agent) == key
            assert (site.agent / agent / "node.hcl").read_text() == f'encrypt = "{key}"\n'


def test_a_turn_is_taken_once(second: FakeCluster, refreshed: list[Cluster], turn: Turn) -> None:
    rotation = turn(CERTIFICATES)
    assert not turns.is_due(second, rotation)
    assert turns.is_due(second, replace(rotation, identifier="2"))
    assert not turns.is_due(second, replace(rotation, identifier="2", machine="node-3"))


@pytest.mark.parametrize("path", ["/gossip", "/tokens", "/authority"])
def test_without_its_turn_a_machine_gets_nothing(
    first: First, second: FakeCluster, path: str
) -> None:
    known = list(first.consul.tokens)
    for rotation in (None, Rotation("1", CERTIFICATES, "node-2"), Rotation("1", GOSSIP, "node-3")):
        if rotation:
            rotations.put(first.cluster.consul, rotation)
        with pytest.raises(RefusedJoinError) as raised:
            caller.call(second.site, path, {})
        assert "not the turn of node-2" in raised.value.message
    assert first.consul.tokens == known


def test_while_an_admin_command_runs_the_turn_waits(
    second: FakeCluster, refreshed: list[Cluster]
) -> None:
    with ownership.locked(second.site), pytest.raises(BusyError):
        turns.take(second, Rotation("1", CERTIFICATES, "node-2"))
    assert refreshed == []


def test_nobody_joins_during_a_rotation(first: First, join: Joins) -> None:
    rotations.put(first.cluster.consul, Rotation("1", GOSSIP))
    with pytest.raises(RefusedJoinError) as raised:
        join()
    assert "are being rotated" in raised.value.message
    assert "./just rotate gossip" in raised.value.hint
    rotations.end(first.cluster.consul)
    assert join().node.name == "node-2"
