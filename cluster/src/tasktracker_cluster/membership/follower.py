"""On a machine that has joined: its agents are servers or clients, as the first machine says."""

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import httpx

from tasktracker_cluster.agents import certificates, ownership, supervisor
from tasktracker_cluster.agents import consul as consul_agent
from tasktracker_cluster.agents import nomad as nomad_agent
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, ApiError, NotReadyError
from tasktracker_cluster.machine import files, wait
from tasktracker_cluster.membership import caller, members, renewal
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site

WATCH_SECONDS = 60
PAUSE_SECONDS = 1
LIMIT_SECONDS = 60
ENDING_SECONDS = 15  # an election, and more

ALIVE = ("RUNNING", "STARTING", "BACKOFF")  # states in which the supervisor looks after a program


def follow(cluster: Cluster) -> None:
    """Make the agents of this machine servers and clients in turn, when the first machine says so.

    It never returns.
    """
    complete(cluster)
    while True:
        become_server(cluster)
        become_client(cluster)


def complete(cluster: Cluster) -> None:
    """Start the agents when a change has stopped them that ended with its process."""

    def start(anew: Cluster, restarts: set[str]) -> bool:
        states = {each.name: each.state for each in supervisor.processes(anew.site)}
        if not all(states.get(agent) in ALIVE for agent in supervisor.AGENTS):
            _settle(anew, restarts)
        return True

    _repeat(cluster, start, set())


def become_server(cluster: Cluster) -> None:
    """Watch the list of servers until this machine is one of them, then make it one."""
    if cluster.site.node.is_server:
        return
    _change(cluster, promote)
    try:
        wait.until("this machine's vote", lambda: votes(cluster.anew()), LIMIT_SECONDS)
    except NotReadyError as error:  # a restart of the agents would not help
        _log(error)


def become_client(cluster: Cluster) -> None:
    """Watch the list of servers until this machine is none of them, then make it a client."""
    if cluster.site.node.is_server:
        _change(cluster, demote)


def promote(cluster: Cluster, restarts: set[str]) -> None:
    """Make the agents of this machine servers. A second try continues an interrupted one.

    `restarts` are the agents that have to start again; those that did are taken out.
    """
    site = cluster.site
    with ownership.locked(site):
        cluster = cluster.anew()  # the agents must not get tokens from before a rotation
        if due := renewal.due(site, certificates.of_agents(is_server=True)):
            renewal.renew(site, due)
        node = replace(site.node, is_server=True)
        _start(cluster, restarts, node)
        files.write(site.node_file, node.text)


def demote(cluster: Cluster, restarts: set[str]) -> None:
    """Make the agents of this machine clients. A second try continues an interrupted one.

    Its servers lose their votes first, because one that has a vote and is away stops the other one.
    They would get them again after ten seconds, so they end at once, and the first machine looks
    again before their data are deleted: these would be old when this machine is a server again.
    """
    site = cluster.site
    with ownership.locked(site):
        cluster = cluster.anew()
        caller.call(site, "/demote", {})
        for agent in supervisor.AGENTS:  # both at the same time
            supervisor.begin_to_halt(site, agent)
        for agent in supervisor.AGENTS:
            supervisor.halt(site, agent)
        restarts.update(supervisor.AGENTS)
        try:
            wait.until("the end of this machine's votes", lambda: _is_demoted(site), ENDING_SECONDS)
        except NotReadyError:  # if they got their votes again, nothing is decided without them
            for agent in supervisor.AGENTS:  # before anything is waited for: it may not come
                supervisor.ensure(site, agent, changed=True)
                restarts.discard(agent)
            _start(cluster, restarts)
            raise
        for agent in supervisor.AGENTS:
            _delete_data_of_server(site, agent)
        files.write(site.node_file, replace(site.node, is_server=False).text)
    _settle(cluster, restarts)


def _is_demoted(site: Site) -> bool:
    try:
        caller.call(site, "/demote", {})
    except AdminError:  # the first machine's servers elect a leader, for example
        return False
    return True


def _settle(cluster: Cluster, restarts: set[str]) -> None:
    """Start the agents as what this machine is."""
    site = cluster.site
    with ownership.locked(site):
        cluster = cluster.anew()
        roles = certificates.of_agents(site.node.is_server)
        with suppress(AdminError):  # they start with the old ones, too, and `up` asks again
            if due := renewal.due(site, roles):
                renewal.renew(site, due)
        _start(cluster, restarts)


def votes(cluster: Cluster) -> bool:
    """Return whether both servers of this machine are among the peers of their kind.

    While its agents start again, they are not.
    """
    start = f"{cluster.site.node.address}:"
    try:
        peers = [api.call("GET", "/v1/status/peers") for api in (cluster.consul, cluster.nomad)]
    except ApiError:
        return False
    return all(any(peer.startswith(start) for peer in each) for each in peers)


def _change(cluster: Cluster, change: Callable[[Cluster, set[str]], None]) -> None:
    """Watch the list of servers until this machine shall be the other kind, and is it."""
    was_server, index = cluster.site.node.is_server, 0

    def watch(anew: Cluster, restarts: set[str]) -> bool:
        nonlocal index
        if anew.site.node.is_server != was_server:  # and its agents did not start
            _settle(anew, restarts)
            return True
        since, index = index, 0  # after a failure it does not wait for the next change
        names, since = members.watch_servers(anew.consul, since, WATCH_SECONDS)
        # Without a list nobody was a server but the first machine.
        if names and (anew.site.node.name in names) != was_server:
            change(anew, restarts)
        index = since
        return anew.site.node.is_server != was_server

    # Both: a change that ended with its process may have written files that no agent has read.
    _repeat(cluster, watch, set(supervisor.AGENTS))


def _repeat(
    cluster: Cluster, attempt: Callable[[Cluster, set[str]], bool], restarts: set[str]
) -> None:
    """Try until it is done. `restarts` are the agents that it starts again."""
    last = ""
    while True:
        try:
            if attempt(cluster, restarts):
                return
        except (AdminError, httpx.HTTPError) as error:
            if str(error) != last:  # nobody shortens this log
                _log(error)
            last = str(error)
            cluster = cluster.anew()  # a rotation may have ended its tokens
            time.sleep(PAUSE_SECONDS)


def _start(cluster: Cluster, restarts: set[str], node: Node | None = None) -> None:
    """Start the agents for `node` or as it is now, those of `restarts` and changed ones again."""
    site = cluster.site
    changed = supervisor.render(site, cluster.tokens, node)
    ready = {
        "consul": lambda: consul_agent.has_leader(cluster.consul),
        "nomad": lambda: nomad_agent.has_leader(cluster.nomad),
    }
    restarts.update(agent for agent in ready if changed[agent])
    for agent, is_ready in ready.items():
        supervisor.ensure(site, agent, agent in restarts)
        restarts.discard(agent)
        supervisor.wait_for(site, agent, is_ready)


def _delete_data_of_server(site: Site, agent: str) -> None:
    data = site.home / agent
    for folder in (data / "raft", data / "server"):  # Consul's and Nomad's
        shutil.rmtree(folder, ignore_errors=True)
    # When the server last ran: after a week Consul would refuse to start it.
    (data / "server_metadata.json").unlink(missing_ok=True)


def _log(error: Exception) -> None:
    now = time.strftime("%FT%TZ", time.gmtime())
    print(f"{now} {error}", file=sys.stderr, flush=True)  # noqa: T201
