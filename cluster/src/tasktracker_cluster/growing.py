"""`join` and `leave`: the order of their steps."""

import shutil

from tasktracker_cluster.agents import ownership, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import RefusedLeaveError
from tasktracker_cluster.machine import (
    cni,
    folders,
    installing,
    network,
    preflight,
    processes,
    wait,
)
from tasktracker_cluster.membership import caller, follower, joined_agents, joining
from tasktracker_cluster.membership.join_line import JoinLine
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site

LIMIT_SECONDS = 300  # two restarts, and Nomad looks for new servers once a minute


def join(cluster: Cluster, steps: Steps, text: str, name: str, address: str) -> None:
    """Make this machine a part of the cluster that the join line is from.

    A second try continues an interrupted one. Raises an AdminError with evidence and a hint.
    """
    site, line = cluster.site, JoinLine.parse(text)
    preflight.must_be_root("join")
    preflight.must_have_a_usable_home(site)
    ownership.must_own(site)
    joining.must_be_new(site, line)
    address = address or joining.address_towards(line.address)
    network.interface_of(address)
    with ownership.locked(site):
        ownership.take_ownership(site)
        preflight.must_have_space(site)
        nothing_runs = not processes.of_site(site)
        if nothing_runs:
            preflight.must_have_ports(site)
            preflight.must_have_shared_ports(address)
        installing.install_tools(site, steps)
        with steps.step(f"join {line.address}") as step:
            if site.node_file.exists():  # a second try
                joining.introduce(site)
            else:
                joining.ask(site, line, name, address)
            step.detail = site.node.name
        joined_agents.start(cluster, steps, restored=nothing_runs)
    with steps.step("servers") as step:
        servers = caller.call(site, "/ready", {"restored": False})["servers"]
        if site.node.name in servers:
            wait.until("this machine's vote", lambda: follower.votes(cluster), LIMIT_SECONDS)
        step.detail = ", ".join(servers)


def must_be_able_to_leave(site: Site) -> None:
    """Raise an AdminError unless this is a machine that has joined, and the caller is root."""
    preflight.must_be_root("leave")
    ownership.must_own(site)
    if site.node.is_first:
        raise RefusedLeaveError(
            "The first machine has the management tokens and the key of the authority: "
            "it cannot leave.",
            "Let the other machines leave, or delete everything with: ./just destroy",
        )


def leave(cluster: Cluster, steps: Steps) -> None:
    """Take this machine out of the cluster, then delete its state folder.

    Raises RefusedLeaveError when the cluster needs it.
    """
    site = cluster.site
    must_be_able_to_leave(site)
    with ownership.locked(site):
        with steps.step("drain"):
            caller.call(site, "/leave", {})
        with steps.step("agents"):
            supervisor.stop(site)
            processes.end_all(site)
        with steps.step("farewell"):
            caller.call(site, "/left", {})
        delete(site)


def delete(site: Site) -> None:
    """Delete the state folder of a machine whose agents have ended."""
    cni.remove(site)
    network.remove_interfaces()
    folders.unmount_below(site.home)
    shutil.rmtree(site.home)
