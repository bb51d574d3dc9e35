"""On a machine that has joined: its agents become servers when the first machine says so."""

import sys
import time
from dataclasses import replace

import httpx

from tasktracker_cluster.agents import certificates, ownership, supervisor
from tasktracker_cluster.agents import consul as consul_agent
from tasktracker_cluster.agents import nomad as nomad_agent
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, ApiError, NotReadyError
from tasktracker_cluster.machine import files, wait
from tasktracker_cluster.membership import members, renewal

WATCH_SECONDS = 60
PAUSE_SECONDS = 1
LIMIT_SECONDS = 60


def follow(cluster: Cluster) -> None:
    """Watch the list of servers until this machine is one of them, then make it one."""
    if cluster.site.node.is_server:
        return
    _become_server(cluster)
    try:
        wait.until("this machine's vote", lambda: votes(cluster), LIMIT_SECONDS)
    except NotReadyError as error:  # a restart of the agents would not help
        _log(error)


def promote(cluster: Cluster, restarts: set[str]) -> None:
    """Make the agents of this machine servers. A second try continues an interrupted one.

    `restarts` are the agents that have to start again; those that did are taken out.
    """
    site = cluster.site
    ready = {
        "consul": lambda: consul_agent.has_leader(cluster.consul),
        "nomad": lambda: nomad_agent.has_leader(cluster.nomad),
    }
    with ownership.locked(site):
        cluster = cluster.anew()  # the agents must not get tokens from before a rotation
        if due := renewal.due(site, certificates.of_agents(is_server=True)):
            renewal.renew(site, due)
        node = replace(site.node, is_server=True)
        changed = supervisor.render(site, cluster.tokens, node)
        restarts.update(agent for agent in ready if changed[agent])
        for agent, is_ready in ready.items():
            supervisor.ensure(site, agent, agent in restarts)
            restarts.discard(agent)
            supervisor.wait_for(site, agent, is_ready)
        files.write(site.node_file, node.text)


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


def _become_server(cluster: Cluster) -> None:
    # Both: a promotion that ended with its process may have written files that no agent has read.
    restarts = set(supervisor.AGENTS)
    index, last = 0, ""
    while not cluster.site.node.is_server:
        try:
            names, index = members.watch_servers(cluster.consul, index, WATCH_SECONDS)
            if cluster.site.node.name in names:
                promote(cluster, restarts)
        except (AdminError, httpx.HTTPError) as error:
            if str(error) != last:  # nobody shortens this log
                _log(error)
            last, index = str(error), 0
            cluster = cluster.anew()  # a rotation may have ended its tokens
            time.sleep(PAUSE_SECONDS)


def _log(error: Exception) -> None:
    now = time.strftime("%FT%TZ", time.gmtime())
    print(f"{now} {error}", file=sys.stderr, flush=True)  # noqa: T201
