"""rotating: what is refused before anything changes, and the order of the machines."""

import io
import os
from collections.abc import Iterator

import pytest
from rich.console import Console

from cluster.tests import keyring
from cluster.tests.consul_server import Consul
from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Refusal, Request, serving
from cluster.tests.keyring import Ring
from cluster.tests.killed import every_kill
from cluster.tests.nomad_server import Nomad, node
from tasktracker_cluster import rotating
from tasktracker_cluster.agents import (
    authorities,
    certificates,
    consul,
    credentials,
    membership_program,
    nomad,
    ownership,
    renewed_tokens,
    supervisor,
)
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import (
    ApiError,
    BusyError,
    NotReadyError,
    NotRootError,
    RefusedRotationError,
    UnfitMachineError,
)
from tasktracker_cluster.membership import members, refreshing, rotations, sharing
from tasktracker_cluster.membership.members import Member
from tasktracker_cluster.membership.rotations import (
    AGENT_TOKENS,
    AUTHORITY,
    CERTIFICATES,
    GOSSIP,
    Rotation,
)
from tasktracker_cluster.node import Node
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="rotate needs root")

NAMES = ["node-1", "node-2", "node-3"]
HEALTH = "/v1/operator/autopilot/health"
STEPS = Steps(Console(quiet=True))
ROLES = (certificates.CONSUL, certificates.NOMAD, certificates.TOOLS, certificates.PAGES)


class Servers:
    """A cluster of three machines, all well."""

    def __init__(self, site: Site, consul: "ConsulWithTurns", nomad: Nomad) -> None:
        self.consul, self.nomad = consul, nomad
        self.cluster = FakeCluster(site, nomad, consul)
        consul.answers[HEALTH] = nomad.answers[HEALTH] = {"Healthy": True}
        nomad.answers["/v1/nodes"] = [node(name) for name in NAMES]
        nomad.answers["/v1/allocations"] = []
        for number, name in enumerate(NAMES, 1):
            members.put(self.cluster.consul, Member(name, f"10.0.0.{number}"))
            consul.alive.add(name)

    def lose(self, name: str) -> None:
        """Let a machine be away."""
        self.consul.alive.discard(name)
        self.consul.lost.add(name)


class ConsulWithTurns(Consul):
    """A Consul that records at once that a machine has taken its turn. `turns` has their names."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[str] = []

    def answer(self, request: Request) -> object:
        """Answer, and take the turn that is given."""
        given = request.method == "PUT" and request.path == "/v1/kv/tasktracker/rotation"
        if given and (name := request.body["machine"]):
            self.turns.append(name)
            self.keys[f"tasktracker/nodes/{name}"]["rotated"] = request.body["identifier"]
        return super().answer(request)


@pytest.fixture
def servers(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    monkeypatch.setattr(supervisor, "is_running", lambda _site: True)
    monkeypatch.setattr(supervisor, "processes", lambda _site: [])
    credentials.create(site)
    site.node_file.write_text(Node(address="10.0.0.1").text)
    with serving(ConsulWithTurns()) as consul, serving(Nomad()) as nomad:
        yield Servers(site, consul, nomad)


@pytest.fixture
def refreshed(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the turns that had been taken when the first machine used its new secrets."""
    found: list[list[str]] = []

    def refresh(_cluster: Cluster) -> None:
        found.append(list(servers.consul.turns))

    monkeypatch.setattr(refreshing, "refresh", refresh)
    monkeypatch.setattr(membership_program, "render", lambda _site: True)
    monkeypatch.setattr(nomad, "has_ready_node", lambda _api: True)
    monkeypatch.setattr(supervisor, "ensure", lambda *_arguments, **_changed: None)
    monkeypatch.setattr(supervisor, "wait_for", lambda *_arguments: None)
    monkeypatch.setattr(sharing, "is_served", lambda _site: True)
    monkeypatch.setattr(consul, "trust_nomad", lambda _site, _api: None)
    return found


def test_the_first_machine_is_the_last_one_to_get_new_certificates(
    site: Site, servers: Servers, refreshed: list[list[str]]
) -> None:
    old = certificates.identity(site, certificates.CONSUL)
    rotating.rotate(servers.cluster, STEPS, CERTIFICATES)
    assert refreshed == [["node-2", "node-3"]]
    new = certificates.identity(site, certificates.CONSUL)
    assert new.fingerprint != old.fingerprint
    assert certificates.is_valid(new, certificates.authority(site))
    assert rotations.current(servers.cluster.consul) is None


def test_the_next_machine_waits_until_all_servers_are_well(
    servers: Servers, refreshed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotating, "WELL_SECONDS", 0.2)
    servers.nomad.answers[HEALTH] = Refusal(429)
    with pytest.raises(NotReadyError):
        rotating.rotate(servers.cluster, STEPS, CERTIFICATES)
    assert servers.consul.turns == ["node-2"]
    running = rotations.current(servers.cluster.consul)
    assert running is not None, "it was interrupted, so nobody may join"


def test_a_machine_that_does_not_finish_its_part_is_named(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotating, "LATE_SECONDS", 0)
    monkeypatch.setattr(rotating, "TURN_SECONDS", 0.2)
    deaf = Consul.answer  # nobody takes a turn
    monkeypatch.setattr(ConsulWithTurns, "answer", deaf)
    output = io.StringIO()
    with pytest.raises(NotReadyError) as raised:
        rotating.rotate(servers.cluster, Steps(Console(file=output, width=200)), AGENT_TOKENS)
    assert output.getvalue().count("  node-2: waits 0 minutes at most; see membership.log") == 1
    assert "node-2" in raised.value.message
    assert "membership.log" in raised.value.hint


def test_new_tokens_replace_the_old_ones_of_all_runs_and_no_others(
    site: Site, servers: Servers, refreshed: list[list[str]]
) -> None:
    operators = {"Name": "Bootstrap Token", "AccessorID": "old"}
    theirs = {"Name": "ci", "AccessorID": "ci"}
    mine = {"Name": "the operator", "AccessorID": "new", "SecretID": "nomad-secret"}
    deleted: list[str] = []
    servers.nomad.answers |= {
        "/v1/acl/token": mine,
        "/v1/acl/token/self": mine,
        "/v1/acl/tokens": [operators, theirs, mine],
        "/v1/acl/token/old": lambda request: deleted.append(request.method),
    }
    consul = servers.cluster.consul
    for description in ("the Nomad agent", "Initial Management Token", "somebody's own"):
        consul.call("PUT", "/v1/acl/token", {"Description": description})
    rotating.rotate(servers.cluster, STEPS, AGENT_TOKENS)
    tokens = credentials.load(site)
    assert tokens.nomad_management == "nomad-secret"
    assert deleted == ["DELETE"]
    left = {token["SecretID"]: token for token in servers.consul.tokens}
    assert left.pop("secret-2")["Description"] == "somebody's own"
    former = left.pop("secret-1")
    assert (former["Description"], former["Policies"]) == (renewed_tokens.ENDED, [])
    assert left.keys() == {tokens.consul_management, tokens.consul_agent, tokens.consul_nomad}


class NomadTokens:
    """The tokens of Nomad's operators."""

    def __init__(self, site: Site, nomad: Nomad) -> None:
        self.site, self.nomad = site, nomad
        self.tokens: dict[str, dict[str, str]] = {}
        nomad.answers["/v1/acl/token"] = self.make
        nomad.answers["/v1/acl/token/self"] = lambda _request: self.present()
        nomad.answers["/v1/acl/tokens"] = lambda _request: list(self.tokens.values())

    def make(self, request: Request) -> dict[str, str]:
        """Make a token."""
        name = f"nomad-{len(self.nomad.answers)}"
        self.tokens[name] = {"AccessorID": name, "SecretID": name, "Name": request.body["Name"]}
        self.nomad.answers[f"/v1/acl/token/{name}"] = lambda _request: self.tokens.pop(name)
        return self.tokens[name]

    def present(self) -> dict[str, str]:
        """Return the one in the files."""
        return self.tokens[credentials.load(self.site).nomad_management]


@pytest.mark.parametrize("what", [GOSSIP, CERTIFICATES, AGENT_TOKENS])
def test_after_a_kill_at_any_step_the_same_command_completes_the_rotation(
    site: Site, servers: Servers, refreshed: list[list[str]], what: str
) -> None:
    operators, rings = NomadTokens(site, servers.nomad), {"consul": Ring(), "nomad": Ring()}
    for agent, ring in rings.items():
        ring.keys = [credentials.gossip_key(site, agent)]
        (site.agent / agent).mkdir(parents=True)
        (site.agent / agent / "node.hcl").write_text(f'encrypt = "{ring.keys[0]}"\n')
    servers.consul.answers[keyring.PATHS["consul"]] = rings["consul"].answer
    for name in keyring.CONSULS.values():
        servers.nomad.answers[f"{keyring.PATHS['nomad']}{name}"] = rings["nomad"].answer
    old = secrets(site, what)

    def rotate() -> None:
        rotating.rotate(servers.cluster.anew(), STEPS, what)

    def recover() -> None:
        rotate()
        assert rotations.current(servers.cluster.consul) is None
        assert len({each.rotated for each in members.all_of(servers.cluster.consul)[1:]}) == 1
        new = secrets(site, what)
        assert not new & old
        old.update(new)
        if what == GOSSIP:
            assert {key for ring in rings.values() for key in ring.keys} == new
        if what == AGENT_TOKENS:
            known = [*servers.consul.tokens, *operators.tokens.values()]
            ended = {"Description": renewed_tokens.ENDED}.items()
            assert {token["SecretID"] for token in known if not ended <= token.items()} == new

    assert every_kill(rotate, recover) > 5


def secrets(site: Site, what: str) -> set[str]:
    """Return the secrets of this kind in the files."""
    names = {GOSSIP: "*-gossip.key", CERTIFICATES: "[!a]*.pem", AGENT_TOKENS: "*.token"}
    return {file.read_text().strip() for file in site.secrets.glob(names[what])}


def test_each_stage_of_a_new_authority_is_used_by_all_before_the_next_one_begins(
    site: Site, servers: Servers, refreshed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates.identity(site, certificates.TOOLS)
    told: list[tuple[int, list[str]]] = []

    def trust_nomad(site: Site, _api: Api) -> None:
        told.append((certificates.trusted(site).count("BEGIN"), list(servers.consul.turns)))

    monkeypatch.setattr(consul, "trust_nomad", trust_nomad)
    rotating.rotate(servers.cluster, STEPS, AUTHORITY)
    others = ["node-2", "node-3"]
    assert refreshed == [others, others * 2, others * 3]
    assert told == [(2, others), (2, others * 2), (1, others * 3)]
    assert rotations.current(servers.cluster.consul) is None


@pytest.mark.parametrize("stage", authorities.STAGES)
def test_an_interrupted_rotation_of_the_authority_goes_on_at_its_stage(
    site: Site, servers: Servers, refreshed: list[list[str]], stage: str
) -> None:
    for each in authorities.STAGES[: authorities.STAGES.index(stage) + 1]:
        authorities.prepare(site, each)
    for role in ROLES:
        certificates.identity(site, role)
    signing = certificates.authority(site)
    rotations.put(servers.cluster.consul, Rotation("1", AUTHORITY, stage=stage))
    rotating.rotate(servers.cluster, STEPS, AUTHORITY)
    left = len(authorities.STAGES) - authorities.STAGES.index(stage)
    assert servers.consul.turns == ["node-2", "node-3"] * left
    assert (certificates.authority(site) == signing) is (stage != authorities.TRUST)
    must_have_one_authority(site)


def test_after_a_kill_at_any_step_the_same_command_completes_the_rotation_of_the_authority(
    site: Site, servers: Servers, refreshed: list[list[str]]
) -> None:
    certificates.identity(site, certificates.TOOLS)
    old = certificates.authority(site)

    def rotate() -> None:
        rotating.rotate(servers.cluster.anew(), STEPS, AUTHORITY)

    def recover() -> None:
        nonlocal old
        rotate()
        assert rotations.current(servers.cluster.consul) is None
        assert len({each.rotated for each in members.all_of(servers.cluster.consul)[1:]}) == 1
        new = certificates.authority(site)
        assert old.certificate not in certificates.trusted(site)
        assert [f.name for f in site.secrets.iterdir() if f.read_text() == old.key] == []
        must_have_one_authority(site)
        old = new

    assert every_kill(rotate, recover) > 20


def must_have_one_authority(site: Site) -> None:
    own = certificates.authority(site)
    assert certificates.trusted(site) == own.certificate
    assert not list(site.secrets.glob("next-*"))
    for role in ROLES:
        found = certificates.present(site, role)
        assert found
        assert certificates.is_valid(found, own)


@pytest.mark.parametrize("what", [GOSSIP, CERTIFICATES, AGENT_TOKENS, AUTHORITY])
def test_while_a_machine_is_away_nothing_changes(site: Site, servers: Servers, what: str) -> None:
    servers.lose("node-3")
    before = {file: file.read_text() for file in site.secrets.iterdir()}
    with pytest.raises(RefusedRotationError) as raised:
        rotating.rotate(servers.cluster, STEPS, what)
    assert "node-3 is away" in raised.value.message
    assert "node remove node-3" in raised.value.hint
    assert {file: file.read_text() for file in site.secrets.iterdir()} == before
    assert rotations.current(servers.cluster.consul) is None, "others may join"


@pytest.mark.parametrize("what", [CERTIFICATES, AGENT_TOKENS, AUTHORITY])
def test_an_interrupted_rotation_of_another_kind_is_completed_first(
    site: Site, servers: Servers, what: str
) -> None:
    interrupted = Rotation("1", GOSSIP, "node-2")
    rotations.put(servers.cluster.consul, interrupted)
    before = {file: file.read_text() for file in site.secrets.iterdir()}
    with pytest.raises(RefusedRotationError, match="rotation of gossip was interrupted") as raised:
        rotating.rotate(servers.cluster, STEPS, what)
    assert raised.value.hint == "Complete it first: ./just rotate gossip"
    assert {file: file.read_text() for file in site.secrets.iterdir()} == before
    assert rotations.current(servers.cluster.consul) == interrupted, "nobody may join"


def test_without_nomad_nothing_begins(servers: Servers) -> None:
    servers.nomad.answers["/v1/nodes"] = Refusal(500, "no cluster leader")
    with pytest.raises(ApiError):
        rotating.rotate(servers.cluster, STEPS, GOSSIP)
    assert rotations.current(servers.cluster.consul) is None, "others may join"


def test_a_joined_machine_names_the_first_one(site: Site, servers: Servers) -> None:
    node = Node(name="node-2", address="10.0.0.2", first="10.0.0.1")
    site.node_file.write_text(node.text)
    with pytest.raises(UnfitMachineError) as raised:
        rotating.rotate(servers.cluster, STEPS, GOSSIP)
    assert "10.0.0.1" in raised.value.hint


def test_two_rotations_at_once_are_refused(site: Site, servers: Servers) -> None:
    with ownership.locked(site), pytest.raises(BusyError):
        rotating.rotate(servers.cluster, STEPS, GOSSIP)


def test_without_a_cluster_there_is_nothing_to_rotate(cluster: Cluster) -> None:
    with pytest.raises(NotReadyError) as raised:
        rotating.rotate(cluster, STEPS, GOSSIP)
    assert "./just up" in raised.value.hint


def test_only_root_rotates(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotRootError) as raised:
        rotating.rotate(cluster, STEPS, GOSSIP)
    assert raised.value.hint == "Run it as: sudo ./just rotate gossip"
