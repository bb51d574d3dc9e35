"""On a machine that has joined: its agents become servers when the first machine says so."""

import time
from dataclasses import replace

import httpx

from tasktracker_cluster.agents import certificates, ownership, signing, supervisor
from tasktracker_cluster.agents import consul as consul_agent
from tasktracker_cluster.agents import nomad as nomad_agent
from tasktracker_cluster.agents.certificates import Identity
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, ApiError
from tasktracker_cluster.machine import files, wait
from tasktracker_cluster.membership import caller, members

WATCH_SECONDS = 60
PAUSE_SECONDS = 1
LIMIT_SECONDS = 60


def follow(cluster: Cluster) -> None:
    """Watch the list of servers until this machine is one of them, then make it one."""
    index = 0
    while not cluster.site.node.is_server:
        try:
            names, index = members.watch_servers(cluster.consul, index, WATCH_SECONDS)
            if cluster.site.node.name in names:
                promote(cluster)
        except (AdminError, httpx.HTTPError) as error:
            print(f"{time.strftime('%FT%TZ', time.gmtime())} {error}", flush=True)  # noqa: T201
            time.sleep(PAUSE_SECONDS)
            index = 0


def promote(cluster: Cluster) -> None:
    """Make the agents of this machine servers. A second try continues an interrupted one."""
    site = cluster.site
    with ownership.locked(site):
        node = replace(site.node, is_server=True)
        _fetch_certificates(cluster)
        supervisor.render(site, cluster.tokens, node)
        supervisor.ensure(site, "consul", changed=True)
        supervisor.wait_for(site, "consul", lambda: consul_agent.has_leader(cluster.consul))
        supervisor.ensure(site, "nomad", changed=True)
        supervisor.wait_for(site, "nomad", lambda: nomad_agent.has_leader(cluster.nomad))
        wait.until("its vote", lambda: votes(cluster), LIMIT_SECONDS)
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


def _fetch_certificates(cluster: Cluster) -> None:
    site = cluster.site
    made = {role.name: signing.request() for role in certificates.of_agents(is_server=True)}
    requests = {name: each.certificate for name, each in made.items()}
    signed = caller.call(site, "/certificates", {"requests": requests})["certificates"]
    for name, each in made.items():
        certificates.write(site, name, Identity(signed[name], each.key))
