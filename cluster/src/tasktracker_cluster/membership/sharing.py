"""The first machine at an address that others reach: what it needs, and the server for them."""

import socket

from tasktracker_cluster.agents import certificates, membership_program, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import BadAddressError, NotReadyError
from tasktracker_cluster.machine import network, preflight
from tasktracker_cluster.membership import invitations, members, quorum
from tasktracker_cluster.membership.join_line import JoinLine
from tasktracker_cluster.membership.members import Member
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import MEMBERSHIP_PORT

LIMIT_SECONDS = 5.0


def must_be_usable(cluster: Cluster, address: str) -> None:
    """Raise BadAddressError unless this machine can take the address for the others."""
    node = cluster.site.node
    network.interface_of(address)
    if not node.is_first:
        raise BadAddressError(
            "This machine has joined a cluster, so its address is fixed.",
            "To change it: ./just leave, then join again with --address.",
        )
    if node.is_advertised and node.address != address and len(members.all_of(cluster.consul)) > 1:
        raise BadAddressError(
            f"Other machines know this one at {node.address}.",
            "Let them leave first, or keep that address.",
        )


def start(cluster: Cluster, steps: Steps) -> None:
    """Start the server for machines that join, and record this machine as the first one."""
    site, consul = cluster.site, cluster.consul
    with steps.step("membership") as step:
        changed = membership_program.render(site)
        me = Member(site.node.name, site.node.address)
        if me not in members.all_of(consul):
            members.put(consul, me)
        if not members.servers(consul):
            members.set_servers(consul, [me.name])
        # A machine may have been away when the third one joined. Else only a later start of another
        # machine would choose again.
        quorum.choose(cluster)
        supervisor.ensure(site, membership_program.NAME, changed)
        supervisor.wait_for(site, membership_program.NAME, lambda: is_served(site))
        step.detail = f"at {site.node.address}"


def is_served(site: Site) -> bool:
    """Return whether the server for other machines takes connections."""
    try:
        socket.create_connection((site.node.first_address, MEMBERSHIP_PORT), LIMIT_SECONDS).close()
    except OSError:
        return False
    return True


def invite(site: Site) -> JoinLine:
    """Make an invitation for an hour.

    Raises UnfitMachineError on a machine that has joined, BadAddressError where none can join, and
    NotReadyError before the server's first start.
    """
    node = site.node
    preflight.must_be_first(site, "./just invite")
    if not node.is_advertised:
        raise BadAddressError(
            "No other machine can reach this cluster: it is on loopback.",
            "Give it an address of this machine first: ./just advertise ADDRESS",
        )
    # Read, not renewed: the line must name the certificate that the running server shows.
    own = certificates.present(site, certificates.MEMBERSHIP)
    if own is None:
        raise NotReadyError("The server for machines that join has no certificate.", "./just up")
    secret = invitations.make(site)
    return JoinLine(node.address, MEMBERSHIP_PORT, own.fingerprint, secret)
