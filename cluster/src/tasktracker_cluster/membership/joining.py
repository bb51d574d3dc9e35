"""Joining: a machine asks the first one, and keeps what it gets."""

import socket
from time import time as clock
from typing import Any

from tasktracker_cluster.agents import (
    authorities,
    certificates,
    credentials,
    nomad,
    signing,
    version,
)
from tasktracker_cluster.agents.certificates import Identity
from tasktracker_cluster.errors import StaleStateError, UnreachableFirstError
from tasktracker_cluster.machine import files
from tasktracker_cluster.membership import caller
from tasktracker_cluster.membership.join_line import JoinLine
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import MEMBERSHIP_PORT

ROLES = (
    *certificates.of_agents(is_server=False),
    certificates.TOOLS,
    certificates.PAGES,
    certificates.STORE,
    certificates.MEMBERSHIP,
)


def must_be_new(site: Site, line: JoinLine) -> None:
    """Raise StaleStateError when this machine is in another cluster, or has one of its own."""
    has_data = (site.home / "consul" / "node-id").exists()
    if site.node.first == line.address or (not has_data and not site.node_file.exists()):
        return
    where = f"the cluster of {site.node.first}" if site.node.first else "a cluster of its own"
    raise StaleStateError(
        f"{site.home} has the data of {where}.",
        "Delete them with ./just destroy, then join. Or set TASKTRACKER_HOME to another folder.",
    )


def address_towards(address: str) -> str:
    """Return the address of this machine from which it calls another one.

    Raises UnreachableFirstError without a route.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, MEMBERSHIP_PORT))  # sends nothing
        except OSError as error:
            raise UnreachableFirstError(
                f"This machine has no route to the first machine at {address}: {error.strerror}.",
                "Connect it to the network of that machine (ip route), then try again.",
            ) from error
        return str(probe.getsockname()[0])


def ask(site: Site, line: JoinLine, name: str, address: str) -> Node:
    """Join, and write what the first machine gives. Raises RefusedJoinError."""
    made = {role.name: signing.request() for role in ROLES}
    answer = caller.join(
        line,
        {
            "name": name,
            "address": address,
            "version": version.of(site.checkout),
            "time": clock(),
            "requests": {role: each.certificate for role, each in made.items()},
        },
    )
    keys = {role: each.key for role, each in made.items()}
    _write(site, answer, keys)
    node = Node(answer["name"], address, False, line.address, tuple(answer["peers"]))
    files.write(site.node_file, node.text)  # last: with it, the machine has joined
    return node


def introduce(site: Site) -> None:
    """Get a new introduction while Nomad does not know this client: it is good for five minutes.

    Raises RefusedJoinError when the first machine has removed this one.
    """
    answer = caller.call(site, "/introduction", {})
    if nomad.introduction(site).exists():
        files.write(nomad.introduction(site), answer["introduction"], mode=0o600)


def _write(site: Site, answer: dict[str, Any], keys: dict[str, str]) -> None:
    authorities.keep(site, answer["authority"])
    for role, certificate in answer["certificates"].items():
        certificates.write(site, role, Identity(certificate, keys[role]))
    for agent, key in answer["gossip"].items():
        credentials.set_gossip_key(site, agent, key)
    for token, secret in answer["tokens"].items():
        files.write(credentials.path(site, token), f"{secret}\n", mode=0o600)
    introduction = nomad.introduction(site)
    introduction.parent.mkdir(mode=0o700, exist_ok=True)
    files.write(introduction, answer["introduction"], mode=0o600)
