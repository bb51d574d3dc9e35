"""membership.member_server: what a machine gets, and every refusal, over real connections."""

import json
import math
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from cryptography import x509

from cluster.tests.http_server import Refusal
from cluster.tests.membership.conftest import First, Joins
from cluster.tests.nomad_server import allocation, node
from tasktracker_cluster.agents import certificates, credentials, nomad, signing, version
from tasktracker_cluster.agents.certificates import Identity
from tasktracker_cluster.errors import RefusedJoinError, UnreachableFirstError
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.membership import (
    caller,
    invitations,
    joining,
    member_server,
    members,
    quorum,
)
from tasktracker_cluster.membership.members import Member
from tasktracker_cluster.site import Site

INTRODUCTION = "/v1/acl/identity/client-introduction-token"


def names(certificate: str) -> list[str]:
    found = Identity(certificate, "").x509.extensions
    value = found.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(value.get_values_for_type(x509.DNSName))


def refusal(join: Joins, **arguments: object) -> str:
    with pytest.raises(RefusedJoinError) as raised:
        join(**arguments)
    return raised.value.message


def exchange(first: First, path: str, content: bytes, **headers: str) -> tuple[int, str]:
    """Send a request without a certificate, and return the status and the message of its answer."""
    context = ssl._create_unverified_context()
    connection = HTTPSConnection("127.0.0.1", first.server.server_port, context=context)
    try:
        connection.request(
            "POST", path, content, {k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        return response.status, str(json.loads(response.read())["message"])
    finally:
        connection.close()


def post(first: First, path: str, content: bytes, **headers: str) -> int:
    return exchange(first, path, content, **headers)[0]


def test_a_machine_gets_certificates_of_a_client_and_no_right_to_manage(
    first: First, join: Joins
) -> None:
    site = join()
    assert (site.node.name, site.node.first, site.node.is_server) == ("node-2", "127.0.0.1", False)
    assert site.node.peers == ("127.0.0.1",)
    for role, name in (("consul", "client.dc1.consul"), ("nomad", "client.global.nomad")):
        assert names(certificates.paths(site, role)[0].read_text()) == [name]
    issuer = certificates.authority(first.site)
    for role in ("consul", "nomad", "tools", "pages", "store", "membership"):
        files = certificates.paths(site, role)
        own = Identity(files[0].read_text(), files[1].read_text())
        assert certificates.is_valid(own, issuer)
        assert files[1].stat().st_mode & 0o777 == 0o600
    assert not certificates.paths(site, "authority")[1].exists()
    for agent in ("consul", "nomad"):
        assert credentials.gossip_key(site, agent) == credentials.gossip_key(first.site, agent)
    assert credentials.load(site) == credentials.Tokens("", "secret-0", "secret-1", "")
    assert [token["Description"] for token in first.consul.tokens] == [
        "the Consul agent of node-2", "the nomad agent of node-2",
    ]  # fmt: skip


def test_a_line_works_once(first: First, join: Joins) -> None:
    line = first.line()
    join(line)
    assert refusal(join, line=line, address="10.0.0.3") == "This join line was used already."
    assert len(members.all_of(first.cluster.consul)) == 2


def test_an_expired_line_is_refused(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "LIFETIME_SECONDS", -1)
    assert "has expired" in refusal(join, line=first.line())


def test_a_line_with_another_secret_is_refused(first: First, join: Joins) -> None:
    line = replace(first.line(), secret="x" * 43)
    assert refusal(join, line=line) == "This join line is not one of this cluster."


def test_the_secret_is_not_sent_to_a_server_with_another_certificate(
    first: First, join: Joins
) -> None:
    line = first.line()
    with pytest.raises(UnreachableFirstError) as raised:
        join(replace(line, fingerprint="0" * 64))
    assert "is not the one of the join line" in raised.value.message
    join(line)  # it is not used up


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_machine_whose_clock_is_off_is_told_by_how_much_and_may_try_again(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    line, real = first.line(), time.time
    with monkeypatch.context() as patch:
        patch.setattr("tasktracker_cluster.membership.joining.clock", lambda: real() + seconds)
        message = refusal(join, line=line)
    assert "3600 s" in message
    assert ("ahead of" if seconds > 0 else "behind") in message
    join(line)


@pytest.mark.parametrize("file", ["cluster/src/a.py", "consul/agent/base.hcl", "tools/wall/go.mod"])
def test_other_programs_of_the_cluster_are_refused_and_the_line_still_works(
    first: First, join: Joins, tmp_path: Path, file: str
) -> None:
    line, changed = first.line(), tmp_path / "checkout" / file
    changed.parent.mkdir(parents=True)
    changed.touch()
    message = refusal(join, line=line, checkout=tmp_path / "checkout")
    assert version.of(tmp_path / "checkout") in message
    assert f"the first machine runs {version.of(first.site.checkout)}" in message
    join(line)


def test_other_sources_of_a_service_are_no_reason_to_refuse(join: Joins, tmp_path: Path) -> None:
    source = tmp_path / "checkout" / "services" / "task" / "src" / "app.py"
    source.parent.mkdir(parents=True)
    source.touch()
    assert join(checkout=tmp_path / "checkout").node.name == "node-2"


def test_a_taken_name_is_refused_and_another_is_not(first: First, join: Joins) -> None:
    line = first.line()
    message = refusal(join, line=line, name="node-1")
    assert message == "The name node-1 is taken by the machine at 127.0.0.1."
    assert join(line, name="attic").node.name == "attic"


@pytest.mark.parametrize("name", ["a", "-a", "A1", "a b", "a" * 33, "../x", "node-5\n", "é1"])
def test_an_unfit_name_is_refused(join: Joins, name: str) -> None:
    assert "is no name for a machine" in refusal(join, name=name)


@pytest.mark.parametrize(
    "address",
    ["", "10.0.0", "host", "::1", "127.0.0.1", "0.0.0.0", "224.0.0.1", "169.254.1.1", "10.0.0.2\n",
     "\uff11\uff10.0.0.2", '10.0.0.2"]\nscript_checks = ["true'],
)  # fmt: skip
def test_what_is_no_address_for_others_is_refused_and_not_given_to_them(
    first: First, join: Joins, address: str
) -> None:
    line = first.line()
    assert "is no IPv4 address" in refusal(join, line=line, address=address)
    assert join(line).node.peers == ("127.0.0.1",)


def alive(first: First, _: Site) -> None:
    first.consul.alive.add("node-2")


def lost(first: First, _: Site) -> None:
    first.consul.lost.add("node-2")


def down(first: First, _: Site) -> None:
    first.nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2", "down")]


def forgotten(_: First, site: Site) -> None:
    caller.call(site, "/ready", {"restored": False})


@pytest.mark.parametrize("happens", [alive, lost, down, forgotten])
def test_a_machine_that_has_run_keeps_its_name_and_address_until_it_is_removed(
    first: First, join: Joins, happens: Callable[[First, Site], None]
) -> None:
    happens(first, join())
    line, tokens = first.line(), first.consul.tokens
    with pytest.raises(RefusedJoinError) as raised:
        join(line)
    assert raised.value.message == "The address 10.0.0.2 is that of node-2."
    assert raised.value.hint.endswith("tasktracker-cli admin node remove node-2")
    assert "node-2" in refusal(join, line=line, name="node-2", address="10.0.0.3")
    assert first.consul.tokens == tokens, "the machine can go on"
    assert join(line, address="10.0.0.3").node.name == "node-3"


def test_a_name_that_only_nomad_still_knows_is_refused_and_not_chosen(
    first: First, join: Joins
) -> None:
    first.nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2", "down")]
    line = first.line()
    assert refusal(join, line=line, name="node-2") == "There is a machine node-2 already."
    assert join(line).node.name == "node-3"


def test_a_machine_that_died_half_way_gets_its_name_again_and_new_tokens(
    first: First, join: Joins
) -> None:
    join()
    assert join(folder="again").node.name == "node-2"
    assert len(first.consul.tokens) == 2


def test_two_machines_that_join_at_once_get_names_of_their_own(first: First, join: Joins) -> None:
    lines = [first.line(), first.line()]
    with ThreadPoolExecutor() as pool:
        sites = list(
            pool.map(lambda n: join(lines[n], address=f"10.0.0.{n}", folder=f"m{n}"), range(2))
        )
    assert {site.node.name for site in sites} == {"node-2", "node-3"}


def test_two_machines_with_one_line_do_not_both_join(first: First, join: Joins) -> None:
    line = first.line()

    def attempt(n: int) -> bool:
        try:
            join(line, address=f"10.0.0.{n}", folder=f"m{n}")
        except RefusedJoinError:
            return False
        return True

    with ThreadPoolExecutor() as pool:
        assert sorted(pool.map(attempt, range(2))) == [False, True]


def test_a_first_machine_that_is_away_is_named(first: First, join: Joins) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(UnreachableFirstError) as raised:
            join(replace(first.line(), port=port))
    assert f"does not answer at 127.0.0.1:{port}" in raised.value.message


def test_an_address_with_many_refusals_has_to_wait(first: First, join: Joins) -> None:
    wrong = replace(first.line(), secret="x" * 43)
    for _ in range(member_server.MOST_REFUSALS):
        refusal(join, line=wrong)
    assert refusal(join) == "Too many attempts to join."


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"secret": 1}', b'{"secret": "\\ud800"}', b"\xff"],
)
def test_what_is_no_request_is_refused_and_the_server_goes_on(
    first: First, join: Joins, content: bytes
) -> None:
    assert post(first, "/join", content) == 400
    join()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("secret", 1),
        ("name", None),
        ("address", ["10.0.0.2"]),
        ("version", {}),
        ("time", "nan"),
        ("time", math.nan),
        ("time", math.inf),
        ("time", "0"),
        ("requests", []),
        ("requests", {}),
        ("requests", {"membership": 1}),
    ],
)
def test_a_request_with_an_unfit_part_is_told_which_and_the_line_still_works(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch, part: str, value: object
) -> None:
    line, right = first.line(), caller._post
    with monkeypatch.context() as patch:
        patch.setattr(
            caller,
            "_post",
            lambda connection, path, body: right(connection, path, {**body, part: value}),
        )
        message = refusal(join, line=line)
    assert message.startswith(f"The first machine cannot read this request ({part}")
    assert line.secret not in message
    join(line)


@pytest.mark.parametrize("missing", [role.name for role in joining.ROLES])
def test_a_machine_must_ask_for_each_of_its_certificates(
    join: Joins, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    roles = [role for role in joining.ROLES if role.name != missing]
    monkeypatch.setattr(joining, "ROLES", roles)
    assert f"there is none for {missing}" in refusal(join)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/ready", {}), ("/ready", {"restored": 1}), ("/certificates", {"requests": ["consul"]})],
)
def test_an_unfit_request_of_a_machine_of_the_cluster_is_answered(
    join: Joins, path: str, body: dict[str, object]
) -> None:
    site = join()
    with pytest.raises(RefusedJoinError) as raised:
        caller.call(site, path, body)
    assert "cannot read this request" in raised.value.message
    assert raised.value.hint == "Check out the commit of the first machine."


def test_after_a_failure_of_nomad_the_same_line_works(first: First, join: Joins) -> None:
    line, path = first.line(), "/v1/acl/identity/client-introduction-token"
    right = first.nomad.answers[path]
    first.nomad.answers[path] = Refusal(500, "no leader")
    refusal(join, line=line)
    assert len(members.all_of(first.cluster.consul)) == 1
    first.nomad.answers[path] = right
    join(line)
    assert len(first.consul.tokens) == 2


def test_after_an_unfit_request_for_a_certificate_the_same_line_works(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = first.line()
    with monkeypatch.context() as patch:
        patch.setattr(signing, "request", lambda: Identity("no request", ""))
        assert refusal(join, line=line) == "This is no request for a certificate."
    join(line)


def test_a_large_request_is_refused_before_it_is_read(first: First) -> None:
    length = str(member_server.MOST_BYTES + 1)
    assert post(first, "/join", b"", Content_Length=length) == 400


@pytest.mark.parametrize(
    "path",
    ["/certificates", "/introduction", "/ready", "/demote", "/leave", "/left", "/other", "/report",
     "/logs"],
)  # fmt: skip
def test_without_a_certificate_only_joining_is_possible(first: First, path: str) -> None:
    assert post(first, path, b'{"requests": {}}') == 403


def sign(site: Site) -> list[str]:
    made = signing.request()
    body: dict[str, object] = {"requests": {"consul": made.certificate, "authority": "x"}}
    signed = caller.call(site, "/certificates", body)["certificates"]
    assert set(signed) == {"consul"}
    return names(signed["consul"])


def test_only_a_machine_that_shall_be_a_server_gets_the_names_of_one(
    first: First, join: Joins
) -> None:
    site = join()
    assert sign(site) == ["client.dc1.consul"]
    members.set_servers(first.cluster.consul, ["node-1", "node-2"])
    assert sign(site) == ["server.dc1.consul"]


def test_a_removed_machine_is_refused(first: First, join: Joins) -> None:
    site = join()
    members.remove(first.cluster.consul, "node-2")
    with pytest.raises(RefusedJoinError) as raised:
        sign(site)
    assert raised.value.message == "This is no machine of the cluster."


def test_a_machine_that_nomad_does_not_know_yet_gets_a_new_introduction(
    first: First, join: Joins
) -> None:
    site = join()
    first.nomad.answers[INTRODUCTION] = lambda request: {"JWT": f"for {request.body['NodeName']}"}
    joining.introduce(site)
    assert nomad.introduction(site).read_text() == "for node-2"
    assert nomad.introduction(site).stat().st_mode & 0o777 == 0o600
    nomad.introduction(site).unlink()  # as soon as Nomad knows it
    joining.introduce(site)
    assert not nomad.introduction(site).exists()


def test_a_removed_machine_that_joins_again_is_told_to_delete_its_state(
    first: First, join: Joins
) -> None:
    site = join()
    members.remove(first.cluster.consul, "node-2")
    with pytest.raises(RefusedJoinError) as raised:
        joining.introduce(site)
    assert raised.value.hint.startswith("If it was removed: ./just destroy, then ./just join")


def test_the_third_machine_makes_three_servers(first: First, join: Joins) -> None:
    sites = []
    for n in (2, 3):
        sites.append(join(address=f"10.0.0.{n}", folder=f"m{n}"))
        first.consul.alive.add(f"node-{n}")
        answer = caller.call(sites[-1], "/ready", {"restored": False})
        wanted = ["node-1", "node-2", "node-3"] if n == 3 else []
        assert answer == {"servers": wanted}
    assert members.servers(first.cluster.consul) == ["node-1", "node-2", "node-3"]


@pytest.mark.parametrize(
    ("asked", "replaced"),
    [
        ({"restored": False}, []),  # as a machine of an earlier version asks
        ({"restored": True}, ["own", "other"]),
        ({"restored": False, "earlier": []}, []),
        ({"restored": False, "earlier": ["own", "ended", "of node-1"]}, ["own"]),
        ({"restored": True, "earlier": ["own"]}, ["own", "other"]),
    ],
)
def test_only_what_runs_there_and_is_old_is_replaced(
    first: First, join: Joins, monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, object], replaced: list[str],
) -> None:  # fmt: skip
    seen: list[str] = []
    monkeypatch.setattr(
        deployment, "replace", lambda _, old: seen.extend(each["ID"] for each in old)
    )
    site = join()
    there = site.node.name
    first.nomad.has_job(
        "portal",
        allocation("own", NodeName=there),
        allocation("ended", "complete", NodeName=there),
        allocation("of node-1"),
    )
    first.nomad.has_job("collector", allocation("other", NodeName=there))
    caller.call(site, "/ready", asked)
    assert seen == replaced


def test_a_server_that_is_away_keeps_its_place_until_it_is_forgotten(first: First) -> None:
    consul = first.cluster.consul
    for n in (2, 3, 4):
        members.put(consul, Member(f"node-{n}", f"10.0.0.{n}"))
    members.set_servers(consul, ["node-1", "node-2", "node-3"])
    first.consul.alive = {"node-1", "node-2", "node-4"}  # node-3 starts again, node-4 calls
    assert quorum.choose(first.cluster) == ["node-1", "node-2", "node-3"]

    members.remove(consul, "node-3")
    assert quorum.choose(first.cluster) == ["node-1", "node-2", "node-4"]
    assert members.servers(consul) == ["node-1", "node-2", "node-4"]


def test_of_two_machines_the_first_one_stays_a_server_alone(first: First, join: Joins) -> None:
    consul, raft = first.cluster.consul, "/v1/operator/raft/configuration"
    members.set_servers(consul, ["node-1", "node-2"])
    second = join()
    for agent, ending in ((first.consul, ""), (first.nomad, ".global")):
        agent.answers[raft] = {
            "Servers": [
                {"Node": f"{name}{ending}", "ID": f"id of {name}", "Voter": True}
                for name in ("node-1", "node-2")
            ]
        }
    removed: list[str] = []
    for agent in (first.consul, first.nomad):
        agent.answers["/v1/operator/raft/peer"] = lambda asked: removed.append(asked.query["id"])
    with pytest.raises(RefusedJoinError, match="node-2 shall be a server"):
        caller.call(second, "/demote", {})
    assert removed == []
    first.consul.alive = {"node-1"}  # node-2 is away: its place is not kept
    assert quorum.choose(first.cluster) == ["node-1"]
    assert members.servers(consul) == ["node-1"]
    first.consul.alive = {"node-2"}
    with pytest.raises(RefusedJoinError, match="The servers need node-2"):
        caller.call(second, "/demote", {})
    assert removed == []
    first.consul.alive = {"node-1", "node-2"}
    assert caller.call(second, "/demote", {}) == {}
    assert removed == ["id of node-2"] * 2


def test_no_log_has_the_secret(
    first: First, join: Joins, capfd: pytest.CaptureFixture[str]
) -> None:
    line = first.line()
    join(line)
    printed = capfd.readouterr()
    assert "/join" in printed.err
    assert line.secret not in printed.out + printed.err
    assert line.secret not in str(first.consul.keys)
