"""membership.refreshing: the agents' configuration after a rotation is what `up` would write."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tasktracker_cluster.agents import (
    certificates,
    credentials,
    gossip,
    pages,
    rendered,
    supervisor,
)
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NotReadyError, StaleStateError
from tasktracker_cluster.machine import files
from tasktracker_cluster.membership import refreshing
from tasktracker_cluster.site import Site

ROOT = Path(__file__).parents[3]
NAMES = ("consul_management", "consul_agent", "consul_nomad")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Return what is asked of the supervisor. Its programs are ready at once."""
    found: list[tuple[object, ...]] = []
    monkeypatch.setattr(supervisor, "call", lambda _site, *words: found.append(words))
    monkeypatch.setattr(
        supervisor, "ensure", lambda _site, name, changed: found.append((name, changed))
    )
    monkeypatch.setattr(supervisor, "wait_for", lambda *_words: None)
    monkeypatch.setattr(pages, "render", lambda _site: False)
    monkeypatch.setattr(
        certificates, "hand_over_to_store", lambda _site: found.append(("the store",))
    )
    return found


@pytest.fixture
def running(site: Site) -> Cluster:
    """Give a cluster whose agents run with rendered configuration."""
    cluster = Cluster(replace(site, checkout=ROOT))
    cluster.site.agent.mkdir()
    credentials.create(cluster.site)
    supervisor.render(cluster.site, cluster.tokens)
    return cluster


def rotate(site: Site) -> None:
    """Replace every secret in the files."""
    for name in NAMES:
        files.write(credentials.path(site, name), f"new {name}\n", mode=0o600)
    certificates.reissue(site, [*certificates.of_agents(is_server=True), certificates.TOOLS])
    for agent in supervisor.AGENTS:
        gossip.keep(site, agent, f"new key of {agent}")


def show(monkeypatch: pytest.MonkeyPatch, fingerprint: str) -> None:
    monkeypatch.setattr(certificates, "shown", lambda _site, _port: fingerprint)


def test_consul_reloads_nomad_restarts_and_up_finds_nothing_to_do(
    running: Cluster, calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = running.site
    rotate(site)
    new = running.anew()
    show(monkeypatch, certificates.identity(site, certificates.CONSUL).fingerprint)
    refreshing.refresh(new)
    assert calls == [("signalProcess", "consul", signal.Signals.SIGHUP.name[3:]), ("nomad", True),
                     ("the store",)]  # fmt: skip
    assert not any(supervisor.render(site, new.tokens).values())
    for agent in supervisor.AGENTS:
        assert (site.agent / agent / "node.hcl").stat().st_mode & 0o777 == 0o600


def test_a_consul_that_keeps_its_certificate_is_reported_and_nomad_stays(
    running: Cluster, calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate(running.site)
    show(monkeypatch, "the old one")
    monkeypatch.setattr(refreshing, "LIMIT_SECONDS", 0.2)
    with pytest.raises(NotReadyError) as raised:
        refreshing.refresh(running.anew())
    assert "Consul's new certificate" in raised.value.message
    assert ("nomad", True) not in calls


def test_configuration_without_the_setting_is_left_to_up(running: Cluster) -> None:
    (running.site.agent / "consul" / "node.hcl").unlink()
    with pytest.raises(StaleStateError) as raised:
        rendered.change(running.site, "consul", "encrypt", "a key")
    assert raised.value.hint == "Make a new one: ./just up"
