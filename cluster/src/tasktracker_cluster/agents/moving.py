"""Nomad's only server at another address of its machine.

Consul corrects its own address in its data. Nomad waits for a leader at the old one for ever,
unless a file names the new one at its next start.
"""

import json
from pathlib import Path

from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

LOOPBACK = "127.0.0.1"
RPC_PORT = 4647


def is_due(site: Site) -> bool:
    """Return whether the data of this machine's server have another address than it has now."""
    file = _record(site)
    recorded = file.read_text().strip() if file.exists() else LOOPBACK
    return site.node.is_first and _raft(site).exists() and recorded != _address(site)


def prepare(site: Site) -> None:
    """Write the new address for the next start of Nomad, which must not run now."""
    server = site.home / "nomad" / "server"
    peer = {"id": (server / "node-id").read_text().strip(), "non_voter": False}
    peers = [{**peer, "address": f"{_address(site)}:{RPC_PORT}"}]
    files.write(server / "raft" / "peers.json", json.dumps(peers), mode=0o600)


def finish(site: Site) -> None:
    """Record the address of the server, which leads now."""
    files.write(_record(site), f"{_address(site)}\n", mode=0o600)


def _address(site: Site) -> str:
    return site.node.address or LOOPBACK


def _record(site: Site) -> Path:
    return site.home / "nomad" / "advertised"


def _raft(site: Site) -> Path:
    return site.home / "nomad" / "server" / "raft" / "raft.db"
