"""Rogue agents beside the cluster's own: none becomes a member, a peer or a node."""

from pathlib import Path

import httpx
import pytest

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.certificates import Identity, Role
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import NOMAD_PAGE
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.e2e import rogue

LIMIT_SECONDS = 180  # generous: a machine may be busy

# A page of another site can send these headers without a preflight request.
PAGE = {"Content-Type": "text/plain", "Origin": "http://evil.example", "Host": "evil.example"}


@pytest.mark.parametrize("server", [True, False], ids=["server", "client"])
def test_a_rogue_consul_agent_is_no_member_and_no_peer(
    cluster: ThrowawayCluster, server: bool
) -> None:
    with rogue.consul(cluster, server) as stranger:
        wait.until(
            "its join, or a refusal",
            lambda: "Failed to join" in stranger.log or rogue.NAME in consul_members(cluster),
            LIMIT_SECONDS,
        )
        assert consul_members(cluster) == {"node-1"}
        peers = cluster.consul.call("GET", "/v1/operator/raft/configuration")["Servers"]
        assert [peer["Node"] for peer in peers] == ["node-1"]


def test_a_rogue_nomad_server_is_no_member_and_no_peer(cluster: ThrowawayCluster) -> None:
    server = {"enabled": True, "bootstrap_expect": 1}
    join = {"retry_join": ["127.0.0.1:4648"], "retry_interval": "1s"}
    with rogue.nomad(cluster, server={**server, "server_join": join}) as stranger:
        wait.until(
            "its join, or a refusal",
            lambda: "join failed" in stranger.log or len(nomad_members(cluster)) > 1,
            LIMIT_SECONDS,
        )
        assert nomad_members(cluster) == {"node-1.global"}
        assert len(nomad_peers(cluster)) == 1


def test_a_web_page_cannot_join_nomad_to_another_server(cluster: ThrowawayCluster) -> None:
    with rogue.nomad(cluster, server={"enabled": True, "bootstrap_expect": 1}) as stranger:
        wait.until("its leadership", lambda: "leadership acquired" in stranger.log, LIMIT_SECONDS)
        httpx.post(
            f"{NOMAD_PAGE}/v1/agent/join?address={rogue.NOMAD_SERF}",
            content="",
            headers=PAGE,
            trust_env=False,
            timeout=LIMIT_SECONDS,
        )
        assert nomad_members(cluster) == {"node-1.global"}
        assert len(nomad_peers(cluster)) == 1


# The certificates that a rogue client shows: whether the cluster's authority signed it, and its
# names. The last one is a stolen certificate of a node, without an introduction.
SHOWN = {
    "nothing": None,
    "a node's certificate by another authority": (False, ("client.global.nomad",)),
    "a caller's certificate": (True, ()),
    "a node's certificate": (True, ("client.global.nomad",)),
}


@pytest.mark.parametrize("shown", SHOWN)
def test_a_rogue_nomad_client_is_no_node(cluster: ThrowawayCluster, shown: str) -> None:
    client = {"enabled": True, "servers": ["127.0.0.1:4647"], "network_interface": "lo"}
    facts: dict[str, object] = {"client": client, "tls": _tls(cluster, SHOWN[shown])}
    before = {node["ID"] for node in cluster.nomad.call("GET", "/v1/nodes")}
    with rogue.nomad(cluster, **facts) as stranger:
        wait.until(
            "its registration, or a refusal",
            lambda: "error registering" in stranger.log or "registration complete" in stranger.log,
            LIMIT_SECONDS,
        )
        assert {node["ID"] for node in cluster.nomad.call("GET", "/v1/nodes")} == before


def _tls(
    cluster: ThrowawayCluster, shown: tuple[bool, tuple[str, ...]] | None
) -> dict[str, object]:
    if shown is None:
        return {}
    is_ours, names = shown
    own = certificates.authority(cluster.site)
    issuer = own if is_ours else certificates.make_authority()
    identity = certificates.issue(issuer, Role(rogue.NAME, names))
    files = _write(cluster.home.parent / "shown", own, identity)
    return {"rpc": True, "verify_server_hostname": True, **files}


def _write(folder: Path, authority: Identity, identity: Identity) -> dict[str, str]:
    """Write files that the rogue agent can read, and return its settings for them."""
    folder.mkdir(exist_ok=True)
    texts = {
        "ca_file": authority.certificate,
        "cert_file": identity.certificate,
        "key_file": identity.key,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {name: str(folder / name) for name in texts}


def consul_members(cluster: ThrowawayCluster) -> set[str]:
    return {member["Name"] for member in cluster.consul.call("GET", "/v1/agent/members")}


def nomad_members(cluster: ThrowawayCluster) -> set[str]:
    return {m["Name"] for m in cluster.nomad.call("GET", "/v1/agent/members")["Members"]}


def nomad_peers(cluster: ThrowawayCluster) -> list[str]:
    known = cluster.nomad.call("GET", "/v1/operator/raft/configuration")["Servers"]
    return [str(peer["Address"]) for peer in known]
