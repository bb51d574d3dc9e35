"""New gossip keys, tokens, certificates and a new authority on one machine, under writes."""

import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple

import pytest

from tasktracker_cluster.agents import certificates, consul, credentials, gossip, nomad, supervisor
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import Site
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tasktracker_cluster.topology import CONSUL_API_PORT, NOMAD_API_PORT
from tests import doors
from tests.e2e.traffic import titles, writing

SELF = "/v1/acl/token/self"
TOKENS = "/v1/acl/tokens"
STATS = "/api/v1/stats/"
LIMIT_SECONDS = 180  # generous: a machine may be busy
RINGS = {"consul": "consul/serf/local.keyring", "nomad": "nomad/server/serf.keyring"}

pytestmark = [pytest.mark.drill, pytest.mark.usefixtures("settled")]


def shown(site: Site) -> list[str]:
    """Return the fingerprints of the certificates that the agents show."""
    found = [certificates.shown(site, port) for port in (CONSUL_API_PORT, NOMAD_API_PORT)]
    assert all(found)
    return found


def keyrings(cluster: ThrowawayCluster) -> list[set[str]]:
    """Return the keys of both agents' keyrings: as they say, and as their next start has them."""
    asked = [gossip.keys("consul", cluster.consul), gossip.keys("nomad", cluster.nomad)]
    stored = [set(json.loads((cluster.home / ring).read_text())) for ring in RINGS.values()]
    assert asked == stored
    return asked


def statuses(site: Site, tokens: credentials.Tokens) -> Mapping[str, int]:
    """Return how the agents answer to each of these tokens."""
    return {
        "consul_management": consul.api(site, tokens.consul_management).status(TOKENS),
        "consul_agent": consul.api(site, tokens.consul_agent).status(SELF),
        "consul_nomad": consul.api(site, tokens.consul_nomad).status(SELF),
        "nomad_management": nomad.api(site, tokens.nomad_management).status(SELF),
    }


def test_every_rotation_ends_the_old_secrets_and_no_request_fails(
    cluster: ThrowawayCluster,
) -> None:
    site, placed = cluster.site, cluster.running()
    keys, certified = keyrings(cluster), shown(site)
    tokens = credentials.load(site)
    user = cluster.user("rosalind")
    with user.http() as client:
        with writing(client) as traffic:
            pids = {agent: cluster.agent_pid(agent) for agent in supervisor.AGENTS}
            cluster.admin("rotate", "gossip")
            assert {agent: cluster.agent_pid(agent) for agent in pids} == pids
            cluster.admin("rotate", "agent-tokens")
            cluster.admin("rotate", "certificates")
            leaf = certificates.identity(site, certificates.NOMAD)
            assert doors.open_to(site, leaf) == doors.ALL
            cluster.admin("rotate", "authority")
        assert traffic.failed == []
        assert set(traffic.acknowledged) <= titles(client)

    for old, new in zip(keys, keyrings(cluster), strict=True):
        assert len(new) == 1
        assert not new & old
    assert not set(shown(site)) & set(certified)
    assert set(statuses(site, tokens).values()) == {403}
    assert set(statuses(site, credentials.load(site)).values()) == {200}
    assert doors.open_to(site, leaf) == set()
    assert doors.open_to(site, certificates.identity(site, certificates.NOMAD)) == doors.ALL

    # An instance that an earlier test has replaced may have ended meanwhile.
    assert cluster.running() <= placed, "no instance was replaced"
    cluster.settle()
    pids = {agent: cluster.agent_pid(agent) for agent in supervisor.PROGRAMS}
    cluster.admin("up")
    assert {agent: cluster.agent_pid(agent) for agent in pids} == pids, "`up` restarts nothing"

    # A new instance logs in to Consul, and the sidecar of one from before hears of it.
    replaced = cluster.allocation("task-service")["ID"]
    cluster.nomad.call("PUT", f"/v1/allocation/{replaced}/stop")
    wait.until("its end", lambda: replaced not in cluster.running(), LIMIT_SECONDS)
    cluster.settle()
    with user.http() as client:
        wait.until("figures", lambda: client.get(STATS).status_code == 200, LIMIT_SECONDS)


def test_a_rotation_that_was_killed_is_completed_by_another(cluster: ThrowawayCluster) -> None:
    site, old = cluster.site, credentials.load(cluster.site)
    with cluster.start_admin("rotate", "agent-tokens") as process:
        wait.until("new tokens", lambda: credentials.load(site) != old, LIMIT_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    half = credentials.load(site)

    cluster.admin("rotate", "agent-tokens")
    new = credentials.load(site)
    assert set(statuses(site, new).values()) == {200}
    assert set(statuses(site, old).values()) == {403}
    known = {token["SecretID"] for token in cluster.consul.call("GET", TOKENS)}
    assert known >= {new.consul_management, new.consul_agent, new.consul_nomad}
    assert not known & {half.consul_agent, half.consul_nomad} - set(astuple(new))
