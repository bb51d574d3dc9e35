"""`observe`: what looks at the running cluster is added to it, and taken away."""

from tasktracker_cluster import running
from tasktracker_cluster.agents import consul, mesh_figures, ownership, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import observers, passwords, tracing
from tasktracker_cluster.machine import exporter, folders, preflight, tools
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed
from tasktracker_cluster.topology import (
    COLLECTING_PROGRAMS,
    COLLECTOR,
    COLLECTOR_USER,
    OBSERVING_USERS,
    STORING_JOBS,
    TRACES,
)


def start(
    cluster: Cluster, steps: Steps, webhook: str | None = None, sampling: float | None = None
) -> None:
    """Run the jobs of `observe` on this machine, the first one of its cluster.

    If they run already, they get the files of this checkout. Alerts are sent to the URL `webhook`:
    None keeps the one that is set, an empty one removes it. With `sampling`, traces are stored,
    too: of this share of the requests, and of those that ask for it. Raises an AdminError.
    """
    site = cluster.site
    _must_run(cluster, "./just observe")
    with ownership.locked(site):
        if not observers.running(cluster):
            preflight.must_have_observing_ports()
        for job, task in STORING_JOBS.items():
            folders.create_volume(site, job, OBSERVING_USERS[task])
        folders.create_volume(site, COLLECTOR, COLLECTOR_USER)
        folders.create_log_links(site)
        passwords.make_log_stores(cluster)
        passwords.make_metrics_store(cluster)
        with steps.step("programs") as step:
            tools.install_observers(site, step)
        with steps.step("PostgreSQL's exporter") as step:
            exporter.install(site, step)
        observers.set_receiver(cluster, webhook)
        variables = {"node": site.node.name, "network": site.node.first_address}
        if site.node.is_advertised:
            programs = [site.bin / name for name in COLLECTING_PROGRAMS]
            offered = installed.offer(site, programs)
            variables |= dict(zip(COLLECTING_PROGRAMS, offered, strict=True))
        observers.start(cluster, steps, variables)
        mesh_figures.show(site, cluster.consul)
        if sampling is not None:
            _trace(cluster, steps, sampling)


def stop(cluster: Cluster, steps: Steps) -> None:
    """Take the jobs of `observe` away.

    What they have stored stays until `destroy`, but for traces, which were in memory.
    """
    _must_run(cluster, "./just observe --off")
    with ownership.locked(cluster.site):
        # New instances of an unhealthy service fail, and must not keep these.
        observers.stop(cluster, steps, observers.WITHOUT_SPANS)
        observers.delete_former(cluster)
        if tracing.is_deployed(cluster):  # while the store listens: else another one could
            consul.trace(cluster.site, cluster.consul, on=False)
            release = installed.present(cluster.site)
            running.run_jobs(cluster, steps, release, keep_traces=False)
        observers.stop(cluster, steps)


def _trace(cluster: Cluster, steps: Steps, sampling: float) -> None:
    """Store traces, and give every service and the gateway new instances that send spans."""
    site = cluster.site
    if TRACES not in observers.running(cluster):
        preflight.must_have_tracing_ports()
    with steps.step("program for traces") as step:
        tools.install_tracer(site, step)
    tracing.start(cluster, steps, sampling)
    running.run_jobs(cluster, steps, installed.present(site))


def _must_run(cluster: Cluster, command: str) -> None:
    site = cluster.site
    preflight.must_be_root("observe")
    ownership.must_own(site)
    preflight.must_be_first(site, command)
    supervisor.must_run(site)
