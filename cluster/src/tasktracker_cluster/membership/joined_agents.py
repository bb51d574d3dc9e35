"""The agents of a machine that has joined."""

from tasktracker_cluster.agents import consul, membership_program, nomad, pages, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.machine import network, wait
from tasktracker_cluster.membership import joining
from tasktracker_cluster.progress import Steps

LIMIT_SECONDS = 90


def start(cluster: Cluster, steps: Steps) -> None:
    """Start them with the files of this machine, and wait until Nomad may give it instances."""
    site = cluster.site
    network.create_address()
    is_new = nomad.introduction(site).exists()  # else Nomad knows this client
    if is_new:
        joining.introduce(site)
    changed = supervisor.render(site, cluster.tokens)
    changed[pages.NAME] |= pages.render(site)
    was_running = supervisor.is_running(site)
    with steps.step("Consul") as step:
        supervisor.start(site)
        supervisor.ensure(site, "consul", changed["consul"] and was_running)
        supervisor.wait_for(site, "consul", lambda: consul.has_leader(cluster.consul))
        step.detail = "reaches the leader"
    with steps.step("Nomad") as step:
        supervisor.ensure(site, "nomad", changed["nomad"] or is_new)  # it reads it when it starts
        supervisor.ensure(site, pages.NAME, changed[pages.NAME])
        supervisor.wait_for(site, "nomad", lambda: nomad.has_leader(cluster.nomad))
        wait.until("a ready Nomad node", lambda: _is_ready(cluster), LIMIT_SECONDS)
        nomad.introduction(site).unlink(missing_ok=True)
        supervisor.wait_for(site, pages.NAME, pages.are_served)
        supervisor.ensure(site, membership_program.NAME, membership_program.render(site))
        step.detail = f"{site.node.name} is ready"


def _is_ready(cluster: Cluster) -> bool:
    name = cluster.site.node.name
    return ("ready", name) in [(node.status, node.name) for node in nomad.nodes(cluster.nomad)]
