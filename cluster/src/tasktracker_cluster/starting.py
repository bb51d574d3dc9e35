"""Starting the agents of the first machine, and waiting until they lead."""

from dataclasses import replace

from tasktracker_cluster.agents import (
    certificates,
    consul,
    credentials,
    moving,
    nomad,
    pages,
    supervisor,
)
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import deployment, passwords, signing_keys
from tasktracker_cluster.machine import files, network, preflight, processes, wait
from tasktracker_cluster.membership import sharing
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP_JOBS, JOBS


def end_orphans(site: Site, steps: Steps) -> None:
    """End agents whose supervisor was killed: a new one could not start its own beside them.

    Their tasks go on, and the new agents adopt them.
    """
    if not supervisor.is_running(site) and any(o.is_agent for o in processes.of_site(site)):
        with steps.step("agents without a supervisor") as step:
            step.detail = f"ended {processes.end_agents(site)}"


def share(cluster: Cluster, steps: Steps, address: str) -> None:
    """Move what the agents of other machines call to this `address`."""
    site = cluster.site
    if site.node.address == address:
        return
    preflight.must_have_shared_ports(address)
    files.write(site.node_file, replace(site.node, address=address).text)
    start_agents(cluster, steps)


def start_agents(cluster: Cluster, steps: Steps, *, restored: bool = False) -> None:
    """Start the agents, or restart those whose configuration changed, and wait until they lead.

    With `restored`, Nomad's tasks have ended: Consul must not call them healthy, and Nomad is told
    first not to start them.
    """
    site = cluster.site
    if restored:
        consul.forget_services(site)
    credentials.create(site)
    network.create_address()
    certificates.identity(site, certificates.TOOLS)
    certificates.hand_over_to_store(site)
    changed = supervisor.render(site, cluster.tokens)
    changed[pages.NAME] |= pages.render(site)
    _start_consul(cluster, steps, changed["consul"], changed["nomad"])
    _start_nomad(cluster, steps, changed["pages"], restored)
    if site.node.is_advertised:
        sharing.start(cluster, steps)


def _start_consul(cluster: Cluster, steps: Steps, changed: bool, nomad_changed: bool) -> None:
    site = cluster.site
    with steps.step("Consul") as step:
        was_running = supervisor.is_running(site)
        supervisor.start(site)
        supervisor.ensure(site, "consul", changed and was_running)
        supervisor.wait_for(site, "consul", lambda: consul.has_leader(cluster.consul))
        consul.set_up_acl(site, cluster.consul, cluster.tokens)
        _ensure_nomad(site, nomad_changed)  # which has its token now, and elects
        step.detail = f"leads; {consul.apply_config_entries(site)} config entries"


def _start_nomad(cluster: Cluster, steps: Steps, pages_changed: bool, restored: bool) -> None:
    site, api = cluster.site, cluster.nomad
    with steps.step("Nomad") as step:
        supervisor.ensure(site, pages.NAME, pages_changed)  # it starts while Nomad does
        _ensure_nomad_leads(cluster, changed=False)
        moving.finish(site)
        nomad.set_up_acl(site, api, cluster.tokens)
        if restored and not site.node.is_advertised:
            # It begins to start all its tasks again, which stopping.stop_own would stop.
            deployment.begin_to_stop(cluster, *JOBS, *BACKUP_JOBS)
        if not nomad.knows_this_node(api):
            # A server must sign the introduction, and the client reads it only when it starts.
            nomad.introduce(site, api)
            _ensure_nomad_leads(cluster, changed=True)
        passwords.make(cluster)
        signing_keys.make(cluster)
        supervisor.wait_for(site, pages.NAME, pages.are_served)
        consul.trust_nomad(site, cluster.consul)
        wait.until("a ready Nomad node", lambda: nomad.has_ready_node(api), nomad.READY_SECONDS)
        nomad.introduction(site).unlink(missing_ok=True)
        step.detail = "leads, with a node ready"


def _ensure_nomad(site: Site, changed: bool) -> None:
    if moving.is_due(site):
        supervisor.halt(site, "nomad")
        moving.prepare(site)
    supervisor.ensure(site, "nomad", changed)


def _ensure_nomad_leads(cluster: Cluster, changed: bool) -> None:
    supervisor.ensure(cluster.site, "nomad", changed)
    supervisor.wait_for(cluster.site, "nomad", lambda: nomad.has_leader(cluster.nomad))
