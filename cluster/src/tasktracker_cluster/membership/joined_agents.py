"""The agents of a machine that has joined."""

from tasktracker_cluster.agents import (
    certificates,
    consul,
    membership_program,
    nomad,
    pages,
    supervisor,
)
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import UnreachableFirstError
from tasktracker_cluster.machine import network, wait
from tasktracker_cluster.membership import fetching, joining, renewal
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site


def start(cluster: Cluster, steps: Steps, *, restored: bool) -> None:
    """Start them with the files of this machine, and wait until Nomad may give it instances.

    With `restored`, nothing of the site runs: Consul must not call its services healthy.
    """
    site = cluster.site
    network.create_address()
    renew_certificates(site, steps)
    certificates.hand_over_to_store(site)
    with steps.step("release") as step:
        fetching.install(site, step)
    is_new = nomad.introduction(site).exists()  # else Nomad knows this client
    if is_new:
        joining.introduce(site)
    changed = supervisor.render(site, cluster.tokens)
    changed[pages.NAME] |= pages.render(site)
    was_running = supervisor.is_running(site)
    if restored:
        consul.forget_services(site)
    with steps.step("Consul") as step:
        supervisor.start(site)
        supervisor.ensure(site, "consul", changed["consul"] and was_running)
        supervisor.wait_for(site, "consul", lambda: consul.has_leader(cluster.consul))
        step.detail = "reaches the leader"
    with steps.step("Nomad") as step:
        supervisor.ensure(site, "nomad", changed["nomad"] or is_new)  # it reads it when it starts
        supervisor.ensure(site, pages.NAME, changed[pages.NAME])
        supervisor.wait_for(site, "nomad", lambda: nomad.has_leader(cluster.nomad))
        wait.until("a ready Nomad node", lambda: _is_ready(cluster), nomad.READY_SECONDS)
        nomad.introduction(site).unlink(missing_ok=True)
        supervisor.wait_for(site, pages.NAME, pages.are_served)
        supervisor.ensure(site, membership_program.NAME, membership_program.render(site))
        step.detail = f"{site.node.name} is ready"


def renew_certificates(site: Site, steps: Steps) -> None:
    """Renew the certificates of this machine that end soon. Raises what renewal.renew does."""
    due = renewal.due(site, renewal.of_machine(site))
    if not due:
        return
    with steps.step("certificates") as step:
        try:
            renewal.renew(site, due)
        except UnreachableFirstError:
            # The agents start without the first machine. `up` and `join` call it again at their
            # end, and fail there.
            step.detail = "not renewed: the first machine does not answer"
        else:
            step.detail = f"renewed: {', '.join(role.name for role in due)}"


def _is_ready(cluster: Cluster) -> bool:
    name = cluster.site.node.name
    return ("ready", name) in [(node.status, node.name) for node in nomad.nodes(cluster.nomad)]
