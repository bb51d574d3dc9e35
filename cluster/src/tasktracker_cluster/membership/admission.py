"""What the first machine gives a machine that shows a valid invitation."""

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from tasktracker_cluster.agents import certificates, credentials, nomad, signing
from tasktracker_cluster.agents.certificates import CLOCK_SKEW, Identity, Role
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import RefusedJoinError
from tasktracker_cluster.membership import invitations, members, node_tokens, rotations
from tasktracker_cluster.membership.members import Member
from tasktracker_cluster.membership.messages import Joining

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")

# The parties on a machine, beside its agents.
_OTHERS = (certificates.TOOLS, certificates.PAGES, certificates.STORE)


def admit(cluster: Cluster, asked: Joining, own_version: str) -> dict[str, object]:
    """Return what a machine needs for its agents. `own_version` is that of the first machine.

    Raises RefusedJoinError or UnfitRequestError before it changes anything. The secret is used up
    last: after a failure of Consul or Nomad the same line works, and gets new tokens.
    """
    site = cluster.site
    invitations.check(site, asked.secret)
    rotations.must_not_run(cluster.consul)
    _must_fit(own_version, asked)
    _must_be_reachable(asked.address)
    known = members.all_of(cluster.consul)
    name = _choose_name(cluster, known, asked.name, asked.address)
    signed = sign(cluster, name, asked.requests, is_server=False)
    peers = [each.address for each in known]
    given = _bundle(cluster, Member(name, asked.address), signed, peers)
    invitations.use(site, asked.secret)
    return given


def sign(
    cluster: Cluster, name: str, requests: Mapping[str, str], is_server: bool
) -> dict[str, str]:
    """Sign the requests of a machine, each for the role that it is named after.

    Raises UnfitRequestError.
    """
    issuer = certificates.authority(cluster.site)
    fitting = {role.name: role for role in (*certificates.of_agents(is_server), *_OTHERS)}
    fitting[certificates.MEMBERSHIP.name] = Role(name)  # what it shows to the first machine
    return {
        role: signing.fulfil(issuer, fitting[role], request)
        for role, request in requests.items()
        if role in fitting
    }


def _bundle(
    cluster: Cluster, member: Member, signed: dict[str, str], peers: list[str]
) -> dict[str, object]:
    site, consul = cluster.site, cluster.consul
    fingerprint = Identity(signed["membership"], "").fingerprint
    given: dict[str, object] = {
        "name": member.name,
        "peers": peers,
        "authority": certificates.trusted(site),
        "certificates": signed,
        "gossip": {agent: credentials.gossip_key(site, agent) for agent in ("consul", "nomad")},
        "tokens": node_tokens.replace(consul, member.name),
        "introduction": nomad.make_introduction(cluster.nomad, member.name),
    }
    members.put(consul, replace(member, certificate=fingerprint))
    return given


def _must_fit(own_version: str, asked: Joining) -> None:
    if asked.version != own_version:
        raise RefusedJoinError(
            f"This checkout has version {asked.version} of the cluster's own programs, and the "
            f"first machine runs {own_version}.",
            "Check out the commit of the first machine, and run ./just up there first.",
        )
    seconds = asked.time - time.time()
    if abs(seconds) > CLOCK_SKEW.total_seconds():
        raise RefusedJoinError(
            f"The clock of this machine is {abs(seconds):.0f} s "
            f"{'ahead of' if seconds > 0 else 'behind'} that of the first machine.",
            "Set the clocks (Debian: apt-get install systemd-timesyncd), then try again.",
        )


def _must_be_reachable(address: str) -> None:
    """Refuse what is no IPv4 address. Other machines put it into their agents' configuration."""
    try:
        found = IPv4Address(address)
    except ValueError:
        found = IPv4Address(0)
    # A link-local one, too: every machine has the same (machine/network.py).
    if found.is_loopback or found.is_unspecified or found.is_multicast or found.is_link_local:
        raise RefusedJoinError(
            f"{address!r} is no IPv4 address at which other machines reach this one.",
            "Use one of those that `ip address` lists: ./just join --address ADDRESS",
        )


def _choose_name(cluster: Cluster, known: list[Member], wanted: str, address: str) -> str:
    if wanted and not NAME.fullmatch(wanted):
        raise RefusedJoinError(
            f"{wanted!r} is no name for a machine.", "Use 2 to 32 of a-z, 0-9 and hyphens."
        )
    for each in known:
        if each.name == wanted and each.address != address:
            raise RefusedJoinError(
                f"The name {wanted} is taken by the machine at {each.address}.",
                "Choose another one with --name.",
            )
    started = _started(cluster, known)
    again = next((each.name for each in known if each.address == address), "")
    _must_be_new(started, wanted or again, address)
    names = {each.name for each in known} | started.keys()
    free = next(f"node-{n}" for n in range(1, len(names) + 2) if f"node-{n}" not in names)
    return wanted or again or free


def _must_be_new(started: Mapping[str, str], name: str, address: str) -> None:
    # A machine that was admitted and never started its agents may try again. One that has run
    # keeps its place while it is down.
    for other, its_address in started.items():
        if its_address == address:
            raise _taken(f"The address {address} is that of {other}.", other)
        if other == name:
            raise _taken(f"There is a machine {name} already.", name)


def _taken(message: str, name: str) -> RefusedJoinError:
    return RefusedJoinError(
        message, f"Remove that machine first: tasktracker-cli admin node remove {name}"
    )


def _started(cluster: Cluster, known: list[Member]) -> dict[str, str]:
    """Return the address of each machine whose agents have run, whether they run now or not."""
    recorded = {each.name: each.address for each in known}
    # Before it was recorded that they ran. (Every node's address is loopback for Nomad.)
    agents = cluster.consul.call("GET", "/v1/agent/members")
    return {
        **{each.name: each.address for each in known if each.has_run},
        **{each.name: recorded.get(each.name, "") for each in nomad.nodes(cluster.nomad)},
        **{agent["Name"]: agent["Addr"] for agent in agents},
    }
