"""On a machine that has joined: it replaces its secrets when it is its turn in a rotation."""

import sys
import time
from collections.abc import Sequence
from contextlib import suppress

import httpx

from tasktracker_cluster.agents import (
    authorities,
    certificates,
    credentials,
    gossip,
    membership_program,
    ownership,
)
from tasktracker_cluster.agents.certificates import Role
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, BusyError
from tasktracker_cluster.machine import files
from tasktracker_cluster.membership import caller, members, refreshing, renewal, rotations
from tasktracker_cluster.membership.rotations import (
    AGENT_TOKENS,
    AUTHORITY,
    CERTIFICATES,
    GOSSIP,
    Rotation,
)
from tasktracker_cluster.site import Site

WATCH_SECONDS = 60
PAUSE_SECONDS = 1


def follow(cluster: Cluster) -> None:
    """Watch the rotations, and return after a turn of this machine.

    The process must end then: its tokens and its certificate are those from before.
    """
    if certificates.is_incomplete(cluster.site):  # else no command must find the lock taken
        with suppress(BusyError), ownership.locked(cluster.site):
            pass  # this has completed what the process before this one left half written
    index, last = 0, ""
    while True:
        try:
            rotation, index = rotations.watch(cluster.consul, index, WATCH_SECONDS)
            if rotation and is_due(cluster, rotation):
                take(cluster, rotation)
                return
        except (AdminError, httpx.HTTPError) as error:
            if str(error) != last:  # nobody shortens this log
                _log(error)
            last, index = str(error), 0
            cluster = cluster.anew()  # its tokens may have ended: the turn failed after that
            time.sleep(PAUSE_SECONDS)


def take(cluster: Cluster, rotation: Rotation) -> None:
    """Replace this machine's secrets, and tell the first machine when its agents use them.

    A second try gets other ones, and the first machine deletes those that are not used.
    """
    site = cluster.site
    with ownership.locked(site):
        if rotation.what == GOSSIP:
            for agent, key in caller.call(site, "/gossip", {})["gossip"].items():
                gossip.keep(site, agent, key)
        if rotation.what == CERTIFICATES:
            renewal.renew(site, renewal.of_machine(site))
            refreshing.refresh(cluster.anew())
        if rotation.what == AUTHORITY:
            authorities.keep(site, caller.call(site, "/authority", {})["authority"])
            renewal.renew(site, _to_renew(site, rotation.stage))
            refreshing.refresh(cluster.anew())
        if rotation.what == AGENT_TOKENS:
            for token, secret in caller.call(site, "/tokens", {})["tokens"].items():
                files.write(credentials.path(site, token), f"{secret}\n", mode=0o600)
            renewal.renew(site, certificates.of_consul(site.node.is_server))
            refreshing.refresh(cluster.anew())
        # This program starts again at the end of its turn: `up` must not start it once more.
        membership_program.render(site)
    caller.call(site, "/rotated", {"identifier": rotation.identifier})


def is_due(cluster: Cluster, rotation: Rotation) -> bool:
    """Return whether it is this machine's turn, which it has not taken yet."""
    name = cluster.site.node.name
    if rotation.machine != name:
        return False
    done = {member.name: member.rotated for member in members.all_of(cluster.consul)}
    return done.get(name) != rotation.identifier


def _to_renew(site: Site, stage: str) -> Sequence[Role]:
    if stage == authorities.ISSUE:
        return renewal.of_machine(site)
    return certificates.of_consul(site.node.is_server)


def _log(error: Exception) -> None:
    now = time.strftime("%FT%TZ", time.gmtime())
    print(f"{now} {error}", file=sys.stderr, flush=True)  # noqa: T201
