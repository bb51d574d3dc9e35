"""Stopping the jobs and agents of this machine, and what they left."""

from tasktracker_cluster.agents import certificates, supervisor
from tasktracker_cluster.backups import repository
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import allocations, deployment, observers
from tasktracker_cluster.machine import cni, network, processes
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.topology import BACKUP_JOBS, JOBS, RELEASE_JOBS, START_ORDER

# A database waits when it stops until its log is received.
_STOP_ORDER = (*reversed(START_ORDER), tuple(BACKUP_JOBS))


def stop(cluster: Cluster, steps: Steps) -> None:
    """Stop jobs, agents and supervisor, and end what is left of the site."""
    site = cluster.site
    if supervisor.is_running(site):
        if site.node.is_first:  # the jobs of all machines
            _stop_jobs(cluster, steps)
        with steps.step("agents"):
            supervisor.stop(site)
    if processes.of_site(site):
        with steps.step("remaining processes") as step:
            step.detail = f"ended {processes.end_all(site)}"
    cni.remove(site)
    network.remove_interfaces()


def stop_own(cluster: Cluster, steps: Steps) -> None:
    """Stop this machine's instances from before its restart, or replace them.

    Nomad restarts its tasks in place, but the sidecars' Consul tokens were in memory, and Nomad
    does not write them again. So these must be placed again.
    """
    name = cluster.site.node.name
    jobs = (*JOBS, *BACKUP_JOBS)
    placed = [each for job in jobs for each in allocations.active(cluster, job)]
    own = [each for each in placed if each["NodeName"] == name]
    if not own:
        return
    with steps.step("instances from before a restart"):
        if len(own) == len(placed):
            stop_all(cluster)
        else:  # other machines serve meanwhile
            deployment.replace(cluster, own)


def stop_all(cluster: Cluster) -> None:
    """Stop every job but those of the releases, in the order in which they need each other."""
    for row in _STOP_ORDER:
        deployment.stop(cluster, *row)


def _stop_jobs(cluster: Cluster, steps: Steps) -> None:
    # The state folder may be of an earlier version, which had no certificates.
    certificates.identity(cluster.site, certificates.TOOLS)
    if not cluster.nomad.answers("/v1/acl/token/self"):
        return  # `up` was interrupted before Nomad had its token, or an earlier version ran it
    observers.stop(cluster, steps)
    for row in _STOP_ORDER:
        if row == tuple(BACKUP_JOBS) and not repository.is_on(cluster.site):
            continue
        with steps.step(", ".join(row)):
            deployment.stop(cluster, *row)
    with steps.step(", ".join(RELEASE_JOBS)):
        deployment.stop(cluster, *RELEASE_JOBS)
