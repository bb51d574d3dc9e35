"""The state of agents and jobs: their instances and their health."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasktracker_cluster.agents import (
    backups_program,
    consul,
    membership_program,
    nomad,
    ownership,
    pages,
    supervisor,
)
from tasktracker_cluster.backups import ages, copies, drill, health, repository
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, ApiError
from tasktracker_cluster.jobs import allocations, numbers, observers, replication, rollout
from tasktracker_cluster.membership import members, quorum, survey
from tasktracker_cluster.membership.survey import Machine
from tasktracker_cluster.mesh import catalog
from tasktracker_cluster.monitoring import alerts
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    BACKUP_JOBS,
    COLLECTOR,
    DATABASES,
    JOBS,
    LOGS,
    METRICS,
    RELEASE,
    RELEASE_JOBS,
    TRACES,
)


@dataclass(frozen=True)
class Row:
    """A line of `status`: an agent, machine or job, a database's member or backups, or an alert."""

    kind: str  # agent, machine, job, member, backup or alert
    name: str
    state: str
    running: int | None  # instances; None when unknown
    wanted: int | None
    health: str  # passing, failing, or the reason why it is unknown
    nodes: tuple[str, ...] = ()  # where the instances run

    @property
    def is_well(self) -> bool:
        return self.health == "passing"


def rows(cluster: Cluster) -> list[Row]:
    """Return every agent and every job, or no rows when there is no cluster.

    On a machine that has joined, without those that the first one alone has (monitoring/of_first).
    """
    if ownership.owner(cluster.site) is None:
        return []
    backups = BACKUP_JOBS if repository.is_on(cluster.site) else ()
    agents, jobs = _agents(cluster.site), (*JOBS, *backups, *RELEASE_JOBS)
    if not any(agent.is_well for agent in agents):
        return [
            *agents,
            *(Row("job", job, "unknown", None, None, "no agents") for job in jobs),
        ]
    observing = _observing(cluster)
    known = [of_job(cluster, job) for job in (*jobs, *observing)]
    known += [row for each in DATABASES for row in _of_members(cluster, each.name)]
    known += [_of_backups(cluster, each.name) for each in DATABASES if backups]
    known += [_of_drills(cluster.site)] if backups else []
    known += [_of_copies(cluster.site)] if copies.is_on(cluster.site) else []
    return [*agents, *machines(cluster), *known, *(alerting(cluster) if observing else [])]


def warnings(cluster: Cluster) -> list[str]:
    """Return what is wrong with the servers of a cluster of several machines.

    Without an answer of the agents it is nothing: the rows say that.
    """
    try:
        return _warnings(cluster)
    except AdminError:
        return []


def _warnings(cluster: Cluster) -> list[str]:
    node, found = cluster.site.node, []
    if node.is_advertised and len(members.servers(cluster.consul)) < quorum.SERVERS:
        found.append(
            "Nothing is safe yet: the loss of a server stops scheduling. "
            f"With {quorum.SERVERS} machines there are {quorum.SERVERS} servers."
        )
    if node.is_advertised and node.is_first:  # the others may not ask who votes
        found += [
            f"{name} was removed and votes again. On it: ./just destroy. "
            f"Then here: tasktracker-cli admin node remove {name}"
            for name in quorum.strangers(cluster)
        ]
    return found


def _of_members(cluster: Cluster, database: str) -> list[Row]:
    try:
        return [
            Row(
                "member",
                f"{database} {m.name}",
                m.told,
                None,
                None,
                "passing" if m.is_well else m.state,
                tuple(filter(None, [numbers.machine(cluster.consul, m.name)])),
            )
            for m in replication.members_of(cluster.consul, database)
        ]
    except ApiError:  # the line of the job says it
        return []


def _of_backups(cluster: Cluster, database: str) -> Row:
    found = health.of(cluster, database)
    return Row("backup", database, found.told, None, None, found.fault or "passing")


def _of_drills(site: Site) -> Row:
    found = drill.health(site)
    return Row("backup", "drill", found.told, None, None, found.fault or "passing")


def _of_copies(site: Site) -> Row:
    found = copies.health(site)
    state = "no copy" if found.age is None else f"{ages.told(found.age)} old"
    return Row("backup", "copies", state, None, None, found.fault or "passing")


def machines(cluster: Cluster) -> list[Row]:
    """Return a row of each machine, none where there can be no other: its agents, and its roles."""
    if not cluster.site.node.is_advertised:
        return []
    try:
        known = survey.of_machines(cluster)
    except ApiError as error:  # as while no server leads
        return [Row("machine", "all", "unknown", None, None, error.message.rstrip("."))]
    return [
        Row(
            "machine",
            each.name,
            _told(each),
            each.instances,
            each.instances,
            "passing" if (each.agents, each.nomad) == ("alive", "ready") else "failing",
        )
        for each in known
    ]


def _told(machine: Machine) -> str:
    leads = f"leads {' and '.join(machine.leads)}" if machine.leads else ""
    server = "server" if machine.server else ""
    return ", ".join(filter(None, [machine.agents, machine.nomad, server, leads]))


def _observing(cluster: Cluster) -> list[str]:
    if not cluster.site.node.is_first:  # they answer on its loopback
        return []
    try:
        return observers.running(cluster)
    except ApiError:  # the lines of the other jobs say it
        return []


def alerting(cluster: Cluster) -> list[Row]:
    """Return a row of each alert that fires, or one that says that nobody knows."""
    try:
        known = alerts.firing(cluster)
    except ApiError as error:  # vmalert hangs, or starts: it may be that some fire
        return [Row("alert", "all", "unknown", None, None, error.message.rstrip("."))]
    return [Row("alert", each.name, "firing", None, None, each.summary) for each in known]


def _agents(site: Site) -> list[Row]:
    known = {process.name: process for process in supervisor.processes(site)}
    found = []
    for name in supervisor.programs(site):
        process = known.get(name)
        state = process.state.lower() if process else "stopped"
        answers = bool(process and process.pid) and _answers(site, name)
        running = 1 if process and process.pid else 0
        found.append(Row("agent", name, state, running, 1, "passing" if answers else "failing"))
    return found


def _answers(site: Site, program: str) -> bool:
    if program == pages.NAME:
        return pages.are_served()
    if program in (membership_program.NAME, backups_program.NAME):
        return True  # it has no page: it runs, or it does not
    api = consul.api(site, "") if program == "consul" else nomad.api(site, "")
    return api.answers("/v1/status/leader")


def of_job(cluster: Cluster, job: str) -> Row:
    """Return the row of a job. When an agent refuses a request, `health` is its error."""
    try:
        known = cluster.nomad.find(f"/v1/job/{job}")
        if known is None:
            return Row("job", job, "not deployed", 0, 0, "-")
        running = _running(cluster, job)
        state = "stopped" if known["Stop"] else known["Status"]
        nodes = tuple(sorted(each["NodeName"] for each in running))
        wanted, health = _wanted(cluster, known), _health(cluster, job, len(running))
        if job == COLLECTOR and not wanted:  # it waits for a machine that joins
            health = "passing"
        if health == "passing" and len(running) < wanted:
            health = f"only {len(running)} of {wanted} run"
        return Row("job", job, state, len(running), wanted, health, nodes)
    except ApiError as error:
        return Row("job", job, "unknown", None, None, error.message.rstrip("."))


def _running(cluster: Cluster, job: str) -> list[allocations.Allocation]:
    found = allocations.running(cluster, job)
    return list(filter(rollout.is_installed, found)) if job == RELEASE else found


def _wanted(cluster: Cluster, job: Mapping[str, Any]) -> int:
    if job["Stop"]:
        return 0
    if job["Type"] == "system":  # one on each node, or on each but the first one
        constraints = job.get("Constraints") or ()
        without = {each["RTarget"] for each in constraints if each["Operand"] == "!="}
        nodes = nomad.nodes(cluster.nomad)
        return sum(node.takes_jobs and node.name not in without for node in nodes)
    return sum(group["Count"] for group in job["TaskGroups"])


def _health(cluster: Cluster, service: str, running: int) -> str:
    if service in RELEASE_JOBS:  # Consul does not know them
        return "passing" if running else "none runs"
    if service == METRICS:  # the same
        answers = cluster.metrics.answers("/health") and cluster.alerts.answers("/health")
        return "passing" if answers else "its pages do not answer"
    if service == LOGS:
        return "passing" if cluster.logs.answers("/health") else "its page does not answer"
    if service == TRACES:
        return "passing" if cluster.traces.answers("/api/services") else "its API does not answer"
    failing = catalog.failing_checks(cluster, service)
    if failing is None:
        return "not registered"
    return f"failing: {', '.join(failing)}" if failing else "passing"
