"""The members of a database, as Patroni writes them into Consul, and their common settings."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasktracker_cluster import topology
from tasktracker_cluster.agents import backups_program
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, NoInstanceError
from tasktracker_cluster.jobs import allocations, numbers, postgres
from tasktracker_cluster.jobs.tasks import Task
from tasktracker_cluster.machine import shell
from tasktracker_cluster.topology import DATABASES

SETTINGS = "nomad/jobs/postgres/settings.json"
BACKUP_SLOTS = {"barman": {"type": "physical"}}  # nomad/jobs/backup/barman.conf.tmpl names it
RESTORING = "restoring"  # the key of a restore that goes on
KIB = 2**10
LEADER, REPLICA = "leader", "replica"
RUNNING, STREAMING = "running", "streaming"


@dataclass(frozen=True)
class Member:
    """A member of a database: a PostgreSQL, and Patroni which runs it.

    `role` is leader or replica. `state` is Patroni's: running, streaming, starting, stopped, ...
    A replica that runs and receives no log is "not streaming".
    `behind` counts the bytes of the leader's log that it has not received; None: unknown.
    `is_synchronous`: each acknowledged write is on its disk, too.
    """

    name: str
    role: str
    state: str
    timeline: int | None
    behind: int | None
    is_synchronous: bool

    @property
    def is_well(self) -> bool:
        return self.state == (RUNNING if self.role == LEADER else STREAMING)

    @property
    def told(self) -> str:
        """Role, timeline and distance in words."""
        if self.role == LEADER:
            return f"leads on timeline {self.timeline}"
        copies = "copies at once" if self.is_synchronous else "copies"
        behind = "" if self.behind is None else f", {-(-self.behind // KIB)} KiB behind"
        return f"{copies}{behind}"


def set_up(cluster: Cluster) -> None:
    """Write the settings of all members, for Patroni. A running one follows within seconds.

    No restore goes on meanwhile. One that was killed keeps no member waiting any longer.
    """
    for database in DATABASES:
        let_others_start(cluster, database.name)
    write_settings(cluster, keep_log=backups_program.is_on(cluster.site))


def write_settings(cluster: Cluster, *, keep_log: bool) -> None:
    """Write the settings of all members. With `keep_log` each keeps its log for the backups.

    Patroni makes the slot on the leader, and on each replica, where it follows that of the leader.
    Without, it deletes them.
    """
    wanted = json.loads((cluster.site.checkout / SETTINGS).read_text())
    if keep_log:
        wanted["slots"] = BACKUP_SLOTS
    for database in DATABASES:
        key = f"/v1/kv/service/{database.name}/config"
        if cluster.consul.find(key, raw="") != wanted:
            cluster.consul.call("PUT", key, wanted)


def forget(cluster: Cluster, database: str) -> None:
    """Let Patroni forget the members and the history of a database that does not run.

    Other data have taken the place of those that it knew, on this machine. The members of other
    machines have the old ones: they wait until this one leads, or until `let_others_start`. The
    settings stay.
    """
    prefix = f"service/{database}/"
    cluster.consul.call("PUT", f"/v1/kv/{prefix}{RESTORING}", True)
    for key in cluster.consul.find(f"/v1/kv/{prefix}", keys="") or []:
        if key.removeprefix(prefix) not in ("config", RESTORING):
            cluster.consul.call("DELETE", f"/v1/kv/{key}")


def let_others_start(cluster: Cluster, database: str) -> None:
    """End the wait of the members on other machines (nomad/jobs/postgres/start.sh)."""
    cluster.consul.call("DELETE", f"/v1/kv/service/{database}/{RESTORING}")


def members_of(consul: Api, database: str) -> list[Member]:
    """Return the members of a database, the leader first; none before the first start."""
    known = _read(consul, database)
    leader = str(known.get("leader", ""))
    synchronous = _synchronous(known.get("sync"))
    found = [
        _member(name.removeprefix("members/"), facts, leader, synchronous, _end(known))
        for name, facts in known.items()
        if name.startswith("members/") and isinstance(facts, Mapping)
    ]
    return sorted(found, key=lambda each: (each.role != LEADER, each.name))


def task(cluster: Cluster, database: str, *, replica: bool = False) -> Task:
    """Return the task of the member that leads, or of one that copies it.

    Raises NoInstanceError when there is none.
    """
    name = topology.MAIN_TASKS[database]
    running = allocations.running(cluster, database)
    if len(running) == 1 and not replica:  # also when Consul does not say who leads
        return Task.of(cluster, running[0], name)
    wanted = REPLICA if replica else LEADER
    members = [m for m in members_of(cluster.consul, database) if m.role == wanted and m.is_well]
    entries = cluster.consul.call("GET", f"/v1/health/service/{database}")
    places = {e["Service"]["Meta"]["member"]: e["Service"]["Meta"]["allocation"] for e in entries}
    by_id = {each["ID"]: each for each in running}
    for member in members:
        if allocation := by_id.get(places.get(member.name, "")):
            return Task.of(cluster, allocation, name)
    raise NoInstanceError(
        f"No member of {database} {'copies its leader' if replica else 'leads'} now.",
        "See its members: ./just status",
    )


def query(cluster: Cluster, database: str, statement: str, seconds: int) -> str:
    """Run a statement as the superuser of the member that leads, and return bare values.

    On this machine over its socket, else as `ask_leader` does. Raises AdminError when the leader
    does not answer.
    """
    if not led_elsewhere(cluster, database):
        return shell.run(postgres.query(cluster.site, database, statement))
    return ask_leader(cluster, database, statement, seconds)


def ask_leader(cluster: Cluster, database: str, statement: str, seconds: int = 0) -> str:
    """Run a statement as the superuser inside the leader's task, and return bare values.

    `seconds` are a limit, as its machine may have vanished; 0: no limit. Raises NoInstanceError
    without a leader, and CommandError when it does not answer.
    """
    leading = task(cluster, database)
    words = leading.command(postgres.ask(leading.site, database, statement))
    limit = ["timeout", str(seconds)] if seconds else []
    return shell.run([*limit, *words], env=leading.environment)


def led_elsewhere(cluster: Cluster, database: str) -> str:
    """Return the name of the member that leads on another machine, empty when none does.

    Without an answer of Consul, or without a leader, nothing is known of it.
    """
    try:
        known = members_of(cluster.consul, database)
        leaders = {each.name for each in known if each.role == LEADER}
        return "".join(leaders - {numbers.member(cluster)})
    except ApiError:
        return ""


def _member(
    name: str, facts: Mapping[str, Any], leader: str, synchronous: set[str], end: int | None
) -> Member:
    leads = name == leader
    position = facts.get("receive_lsn", facts.get("xlog_location"))
    behind = None if leads or end is None or position is None else max(0, end - int(position))
    state = str(facts.get("replication_state") or facts.get("state", "unknown"))
    return Member(
        name,
        LEADER if leads else REPLICA,
        "not streaming" if state == RUNNING and not leads else state,
        facts.get("timeline"),
        behind,
        name in synchronous,
    )


def _end(known: Mapping[str, Any]) -> int | None:
    """Return the end of the leader's log, in bytes."""
    status = known.get("status")
    return int(status["optime"]) if isinstance(status, Mapping) and "optime" in status else None


def _synchronous(sync: object) -> set[str]:
    names = sync.get("sync_standby") if isinstance(sync, Mapping) else None
    return set(str(names).split(",")) if names else set()


def _read(consul: Api, database: str) -> dict[str, Any]:
    """Return the values of Patroni's keys, by their names below the database's own."""
    prefix = f"service/{database}/"
    found = consul.find(f"/v1/kv/{prefix}", recurse="") or []
    return {each["Key"].removeprefix(prefix): value(each["Value"]) for each in found}


def value(encoded: str | None) -> Any:
    """Return the value of a key: JSON, or a text."""
    text = base64.b64decode(encoded or "").decode()
    try:
        return json.loads(text)
    except ValueError:
        return text
