"""agents.moving: Nomad's server learns its new address once."""

import json
from pathlib import Path

import pytest

from tasktracker_cluster.agents import moving
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path, tmp_path)
    (site.home / "nomad" / "server" / "raft").mkdir(parents=True)
    (site.home / "nomad" / "server" / "raft" / "raft.db").touch()
    (site.home / "nomad" / "server" / "node-id").write_text("an-id\n")
    return site


def test_a_machine_that_stays_on_loopback_does_not_move(site: Site) -> None:
    assert not moving.is_due(site)


def test_a_server_that_gets_an_address_moves_once(site: Site) -> None:
    site.node_file.write_text(Node(address="10.0.0.1").text)
    assert moving.is_due(site)
    moving.prepare(site)
    peers = json.loads((site.home / "nomad" / "server" / "raft" / "peers.json").read_text())
    assert peers == [{"id": "an-id", "address": "10.0.0.1:4647", "non_voter": False}]
    assert moving.is_due(site), "until Nomad leads, a second try writes the file again"
    moving.finish(site)
    assert not moving.is_due(site)


def test_a_machine_that_has_joined_does_not_move(site: Site) -> None:
    site.node_file.write_text(Node("node-2", "10.0.0.2", True, "10.0.0.1").text)
    assert not moving.is_due(site)
