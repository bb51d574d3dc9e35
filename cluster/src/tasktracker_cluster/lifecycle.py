"""`install`, `up`, `rebuild`, `advertise`, `down` and `destroy`: the order of their steps."""

import shutil
from datetime import datetime
from pathlib import Path

from tasktracker_cluster import running, starting, stopping
from tasktracker_cluster.agents import ownership, supervisor
from tasktracker_cluster.backups import rebuilding
from tasktracker_cluster.backups.recovery import Restored
from tasktracker_cluster.backups.restic import Store
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import StaleStateError
from tasktracker_cluster.jobs import observers, sidecars
from tasktracker_cluster.machine import (
    exporter,
    folders,
    installing,
    preflight,
    processes,
    tools,
    users,
)
from tasktracker_cluster.membership import caller, joined_agents, sharing
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed
from tasktracker_cluster.site import Site


def install(
    site: Site,
    steps: Steps,
    *,
    observing: bool = False,
    traces: bool = False,
    joining: bool = False,
) -> None:
    """Fetch and build everything that `up` needs, without starting it. Raises an AdminError.

    After this, `up` needs no network. With `observing`, neither does `observe`, and with `traces`
    neither does `observe --traces`. With `joining`, only what `join` needs: the release comes from
    the cluster.
    """
    preflight.must_be_root("install")
    preflight.must_have_a_usable_home(site)
    ownership.must_own(site)
    with ownership.locked(site):
        ownership.take_ownership(site)
        preflight.must_have_space(site)
        installing.install_tools(site, steps)
        if not joining:
            _prepare_release(site, steps)
        if observing:
            with steps.step("programs of observe") as step:
                tools.install_observers(site, step)
            with steps.step("PostgreSQL's exporter") as step:
                exporter.install(site, step)
        if traces:
            with steps.step("program for traces") as step:
                tools.install_tracer(site, step)


def up(cluster: Cluster, steps: Steps, address: str = "") -> None:
    """Bring the whole cluster up. A step with nothing to do changes nothing.

    With an `address`, other machines can join it there. On a machine that has joined, only its own
    agents start. Raises an AdminError with evidence and a hint.
    """
    site = cluster.site
    preflight.must_be_root("up")
    preflight.must_have_a_usable_home(site)
    ownership.must_own(site)
    if address:
        sharing.must_be_usable(cluster, address)
    with ownership.locked(site):
        ownership.take_ownership(site)
        rebuilding.must_be_complete(site)
        preflight.must_have_space(site)
        starting.end_orphans(site, steps)
        nothing_runs = not processes.of_site(site)
        if nothing_runs:  # else the ports are ours already
            preflight.must_have_ports(site)
        installing.install_tools(site, steps)
        # Before Nomad starts anew: it writes their files again, while their Envoys go on.
        earlier = sidecars.with_an_authority(site)
        if not site.node.is_first:
            joined_agents.start(cluster, steps, restored=nothing_runs)
            with steps.step("instances"):
                old = sorted(earlier)
                caller.call(site, "/ready", {"restored": nothing_runs, "earlier": old})
            return
        release = _prepare_release(site, steps)
        starting.start_agents(cluster, steps, restored=nothing_runs)
        if address:
            starting.share(cluster, steps, address)
        if nothing_runs:
            stopping.stop_own(cluster, steps)
        _change_database_owners(cluster, steps)
        running.run_jobs(cluster, steps, release, earlier=earlier)
        observers.renew(cluster, None if nothing_runs else earlier)
        observers.delete_former(cluster, running=False)


def rebuild(
    cluster: Cluster,
    steps: Steps,
    source: Store | Path,
    folder: Path | None,
    to: datetime | None,
) -> list[Restored]:
    """Bring up a new cluster with the databases of a repository, or of a copy of one.

    Raises StaleStateError when there is a cluster, and what rebuilding.rebuild and `up` do.
    """
    site = cluster.site
    preflight.must_be_root("rebuild")
    preflight.must_have_a_usable_home(site)
    ownership.must_own(site)
    with ownership.locked(site):
        rebuilding.must_be_possible(site, source)
        ownership.take_ownership(site)
        preflight.must_have_space(site)
        installing.install_tools(site, steps)
        _prepare_release(site, steps)
        restored = rebuilding.rebuild(site, steps, source, folder, to)
    up(cluster, steps)
    return restored


def advertise(cluster: Cluster, steps: Steps, address: str) -> None:
    """Let other machines join the running cluster of this machine at its `address`.

    Services and databases get new instances. Raises an AdminError.
    """
    site = cluster.site
    preflight.must_be_root("advertise")
    ownership.must_own(site)
    sharing.must_be_usable(cluster, address)
    supervisor.must_run(site, f"./just up --advertise {address}")
    with ownership.locked(site):
        starting.share(cluster, steps, address)
        running.run_jobs(cluster, steps, installed.present(site))


def down(cluster: Cluster, steps: Steps) -> None:
    """Stop jobs, agents and supervisor, and end orphaned processes. The data stay."""
    site = cluster.site
    preflight.must_be_root("down")
    ownership.must_own(site)
    if ownership.owner(site) is None:
        return
    with ownership.locked(site):
        stopping.stop(cluster, steps)


def destroy(cluster: Cluster, steps: Steps) -> None:
    """Stop everything as `down` does, then delete the state folder with all data in it."""
    site = cluster.site
    preflight.must_be_root("destroy")
    ownership.must_own(site)
    if ownership.owner(site) is None:
        if site.home.exists() and any(site.home.iterdir()):
            raise StaleStateError(
                f"{site.home} is not TaskTracker's, so nothing was deleted.",
                "Set TASKTRACKER_HOME to the state folder of the cluster.",
            )
        return
    with ownership.locked(site):
        stopping.stop(cluster, steps)
        with steps.step("delete the state"):
            folders.unmount_below(site.home)
            shutil.rmtree(site.home)


def _prepare_release(site: Site, steps: Steps) -> installed.Release:
    with steps.step("release") as step:
        return installed.prepare(site, step)


def _change_database_owners(cluster: Cluster, steps: Steps) -> None:
    # An earlier version ran both databases as the system user postgres.
    databases = users.databases_of_other_users(cluster.site)
    if databases:
        with steps.step("databases of an earlier version") as step:
            stopping.stop_all(cluster)
            for database in databases:
                users.change_owner(cluster.site, database)
            names = ", ".join(database.name for database in databases)
            step.detail = f"{names} got users of their own"
