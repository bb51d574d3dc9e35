"""`install`, `up`, `down` and `destroy`: the order of their steps."""

import shutil
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tasktracker_cluster.agents import (
    certificates,
    consul,
    credentials,
    moving,
    nomad,
    ownership,
    pages,
    supervisor,
)
from tasktracker_cluster.backups import keeping, rebuilding, repository
from tasktracker_cluster.backups.recovery import Restored
from tasktracker_cluster.backups.restic import Store
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NotReadyError, StaleStateError
from tasktracker_cluster.jobs import (
    allocations,
    deployment,
    gateway,
    numbers,
    observers,
    passwords,
    placement,
    replication,
    rollout,
    signing_keys,
    tracing,
)
from tasktracker_cluster.machine import (
    exporter,
    files,
    folders,
    network,
    packages,
    preflight,
    processes,
    tools,
    users,
    wait,
)
from tasktracker_cluster.membership import caller, joined_agents, members, sharing
from tasktracker_cluster.monitoring import status
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed
from tasktracker_cluster.releases.installed import Release
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    BACKUP_JOBS,
    GATEWAY,
    JOBS,
    RELEASE_JOBS,
    START_ORDER,
)

LIMIT_SECONDS = 60

# A database waits when it stops until its log is received.
_STOP_ORDER = (*reversed(START_ORDER), tuple(BACKUP_JOBS))


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
        install_tools(site, steps)
        if not joining:
            prepare_release(site, steps)
        if observing:
            with steps.step("programs of observe") as step:
                tools.install_observers(site, step)
            with steps.step("PostgreSQL's exporter") as step:
                exporter.install(site, step)
        if traces:
            with steps.step("program for traces") as step:
                tools.install_tracer(site, step)


def install_packages(steps: Steps) -> None:
    """Install the system's packages only: tests of a service need nothing but PostgreSQL."""
    if packages.missing():
        preflight.must_be_root("install")
    with steps.step("system packages") as step:
        packages.install(step)


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
        _end_orphans(site, steps)
        nothing_runs = not processes.of_site(site)
        if nothing_runs:  # else the ports are ours already
            preflight.must_have_ports(site)
        install_tools(site, steps)
        if not site.node.is_first:
            joined_agents.start(cluster, steps)
            with steps.step("instances"):
                caller.call(site, "/ready", {"restored": nothing_runs})
            return
        release = prepare_release(site, steps)
        start_agents(cluster, steps)
        if address:
            share(cluster, steps, address)
        _stop_outdated(cluster, steps, nothing_runs)
        _change_database_owners(cluster, steps)
        run_jobs(cluster, steps, release)
        if nothing_runs:
            observers.renew(cluster)


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
        ownership.take_ownership(site)
        rebuilding.must_be_possible(site)
        preflight.must_have_space(site)
        install_tools(site, steps)
        prepare_release(site, steps)
        restored = rebuilding.rebuild(site, steps, source, folder, to)
    up(cluster, steps)
    return restored


def advertise(cluster: Cluster, steps: Steps, address: str) -> None:
    """Let other machines join the running cluster of this machine at its `address`.

    The services get new instances, the databases are restarted once. Raises an AdminError.
    """
    site = cluster.site
    preflight.must_be_root("advertise")
    ownership.must_own(site)
    sharing.must_be_usable(cluster, address)
    supervisor.must_run(site, f"./just up --advertise {address}")
    with ownership.locked(site):
        share(cluster, steps, address)
        run_jobs(cluster, steps, installed.present(site))


def share(cluster: Cluster, steps: Steps, address: str) -> None:
    """Move what the agents of other machines call to this `address`."""
    site = cluster.site
    if site.node.address == address:
        return
    preflight.must_have_shared_ports(address)
    files.write(site.node_file, replace(site.node, address=address).text)
    start_agents(cluster, steps)


def down(cluster: Cluster, steps: Steps) -> None:
    """Stop jobs, agents and supervisor, and end orphaned processes. The data stay."""
    site = cluster.site
    preflight.must_be_root("down")
    ownership.must_own(site)
    if ownership.owner(site) is None:
        return
    with ownership.locked(site):
        _stop(cluster, steps)


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
        _stop(cluster, steps)
        with steps.step("delete the state"):
            folders.unmount_below(site.home)
            shutil.rmtree(site.home)


def _end_orphans(site: Site, steps: Steps) -> None:
    # Agents whose supervisor was killed: a new supervisor could not start its own beside them.
    # Their tasks go on, and the new agents adopt them.
    if not supervisor.is_running(site) and any(o.is_agent for o in processes.of_site(site)):
        with steps.step("agents without a supervisor") as step:
            step.detail = f"ended {processes.end_agents(site)}"


def install_tools(site: Site, steps: Steps) -> None:
    """Install packages, users, folders, the agents and the wall."""
    install_packages(steps)
    users.create()
    folders.create(site)
    with steps.step("Nomad, Consul and the wall") as step:
        tools.install(site, step)


def prepare_release(site: Site, steps: Steps) -> Release:
    """Build the release of the checkout where it is missing, and return it."""
    with steps.step("release") as step:
        return installed.prepare(site, step)


def start_agents(cluster: Cluster, steps: Steps) -> None:
    """Start the agents, or restart those whose configuration changed, and wait until they lead."""
    site = cluster.site
    credentials.create(site)
    network.create_address()
    certificates.identity(site, certificates.TOOLS)
    certificates.hand_over_to_store(site)
    changed = supervisor.render(site, cluster.tokens)
    changed[pages.NAME] |= pages.render(site)
    _start_consul(cluster, steps, changed["consul"], changed["nomad"])
    _start_nomad(cluster, steps, changed["pages"])
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


def _start_nomad(cluster: Cluster, steps: Steps, pages_changed: bool) -> None:
    site, api = cluster.site, cluster.nomad
    with steps.step("Nomad") as step:
        supervisor.ensure(site, pages.NAME, pages_changed)  # it starts while Nomad does
        _ensure_nomad_leads(cluster, changed=False)
        moving.finish(site)
        nomad.set_up_acl(site, api, cluster.tokens)
        if not nomad.knows_this_node(api):
            # A server must sign the introduction, and the client reads it only when it starts.
            nomad.introduce(site, api)
            _ensure_nomad_leads(cluster, changed=True)
        passwords.make(cluster)
        signing_keys.make(cluster)
        supervisor.wait_for(site, pages.NAME, pages.are_served)
        consul.trust_nomad(site, cluster.consul)
        wait.until("a ready Nomad node", lambda: nomad.has_ready_node(api), LIMIT_SECONDS)
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


def _stop_outdated(cluster: Cluster, steps: Steps, restored: bool) -> None:
    # Two kinds of instances must be placed again. After a restart of the machine Nomad restarts its
    # tasks in place, but the sidecars' Consul tokens were in memory, and Nomad does not write them
    # again. And a sidecar trusts only the authority that existed when it was placed: it cannot
    # reach Consul after a new authority was made.
    issued = certificates.authority(cluster.site).issued_at.timestamp() * 1e9
    jobs = (*JOBS, *BACKUP_JOBS)
    placed = [each for job in jobs for each in allocations.active(cluster, job)]
    outdated = [
        each
        for each in placed
        if each["CreateTime"] < issued or (restored and each["NodeName"] == cluster.site.node.name)
    ]
    if not outdated:
        return
    with steps.step("instances from before a restart, or before a new authority"):
        if len(outdated) == len(placed):
            _stop_all(cluster)
        else:  # other machines serve meanwhile
            deployment.replace(cluster, outdated)


def _change_database_owners(cluster: Cluster, steps: Steps) -> None:
    # An earlier version ran both databases as the system user postgres.
    databases = users.databases_of_other_users(cluster.site)
    if databases:
        with steps.step("databases of an earlier version") as step:
            _stop_all(cluster)
            for database in databases:
                users.change_owner(cluster.site, database)
            names = ", ".join(database.name for database in databases)
            step.detail = f"{names} got users of their own"


def run_jobs(cluster: Cluster, steps: Steps, release: Release) -> None:
    """Run every job with this release, and wait until the gateway answers for all services.

    A job that is as it was is not restarted. Raises an AdminError.
    """
    since = time.time()
    numbers.assign(cluster)
    rollout.start(cluster, release, [each.address for each in members.all_of(cluster.consul)])
    if not (installed.is_installed(cluster.site, release.name) and rollout.is_one_node(cluster)):
        _wait_installed(cluster, steps, since)
    variables = {
        **signing_keys.job_variables(cluster, release.name),
        "instances": str(placement.wanted(cluster)),
    }
    if deployment.is_of_another_type(cluster, GATEWAY, "system"):
        with steps.step("the gateway of an earlier version"):
            deployment.delete(cluster, GATEWAY)
    keys_before = signing_keys.deployed()
    replication.set_up(cluster)
    # All at once: a migration waits for its database itself, and a service for whatever it needs.
    if tracing.is_in(variables):  # before a sidecar is made
        consul.trace(cluster.site, cluster.consul, on=True)
    for job in JOBS:
        deployment.submit(cluster, job, variables)
    backups = BACKUP_JOBS if keeping.go_on(cluster, steps, variables) else ()
    for job in (*JOBS, *backups):
        with steps.step(job):
            deployment.wait_healthy(cluster, job, since)
    if backups:  # now that the databases answer
        keeping.watch(cluster.site)
    if keys_before not in ("", variables["signing_keys"]):
        with steps.step("the end of the old signing keys"):
            signing_keys.wait_replaced(cluster)
    _wait_installed(cluster, steps, since)
    if moved := placement.spread_out(cluster):
        with steps.step("instances") as step:
            step.detail = f"moved {moved} to other nodes"
    with steps.step("gateway"):
        gateway.delete_certificate(cluster.site)
        _wait_for_gateway(cluster)


def _wait_installed(cluster: Cluster, steps: Steps, since: float) -> None:
    with steps.step("release on every node"):
        rollout.wait_installed(cluster, since)


def _wait_for_gateway(cluster: Cluster) -> None:
    try:
        wait.until("every service healthy at the gateway", gateway.answers, LIMIT_SECONDS)
    except NotReadyError as error:
        for row in status.rows(cluster):
            if row.kind == "job" and not row.is_well:
                message = f"{row.name}: {row.health}."
                raise deployment.failure(cluster, row.name, message) from error
        raise


def _stop(cluster: Cluster, steps: Steps) -> None:
    site = cluster.site
    if supervisor.is_running(site):
        if site.node.is_first:  # the jobs of all machines
            _stop_jobs(cluster, steps)
        with steps.step("agents"):
            supervisor.stop(site)
    if processes.of_site(site):
        with steps.step("remaining processes") as step:
            step.detail = f"ended {processes.end_all(site)}"
    network.remove_interfaces()


def _stop_all(cluster: Cluster) -> None:
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
