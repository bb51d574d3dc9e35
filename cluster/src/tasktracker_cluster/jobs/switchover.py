"""A planned change of a database's leader: nothing is lost, and writes wait a moment.

The wish is a key in Consul, which Patroni on the leader's machine follows. So it works from the
first machine, wherever the leader is.
"""

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NoStandbyError, NotReadyError
from tasktracker_cluster.jobs import numbers, replication
from tasktracker_cluster.jobs.replication import Member
from tasktracker_cluster.machine import wait
from tasktracker_cluster.topology import DATABASES

LIMIT_SECONDS = 120
# Patroni asks the candidate once how it is, and waits two seconds for the answer (patroni/ha.py,
# fetch_node_status). A busy machine may need more. Then Patroni refuses the wish.
WISHES = 3


def switch(cluster: Cluster, database: str) -> Member:
    """Make a replica the leader, and return it when it takes writes.

    Raises NoStandbyError when there is none, NotReadyError when nobody would reach it, or Patroni
    refuses or takes too long.
    """
    what = f"a leader of {database}"
    before = wait.until(what, lambda: leader(cluster.consul, database) or None, LIMIT_SECONDS)
    for _ in range(WISHES):
        candidate = _candidate(cluster.consul, database)
        if _is_followed(cluster, database, before, candidate.name):
            return candidate
    raise NotReadyError(
        f"Patroni did not make {candidate.name} the leader of {database}.",
        f"See why: ./just logs {database}",
    )


def _is_followed(cluster: Cluster, database: str, before: str, candidate: str) -> bool:
    """Wish for another leader. Return True when it takes writes, False when Patroni refuses it.

    Raises NotReadyError when neither happens.
    """
    wish = f"/v1/kv/service/{database}/failover"
    cluster.consul.call("PUT", wish, {"leader": before, "member": candidate})

    def outcome() -> str | None:
        is_wished = any(replication.value(e["Value"]) for e in cluster.consul.find(wish) or [])
        if leader(cluster.consul, database) == before and not is_wished:  # Patroni empties it
            return "refused"
        return "leads" if leads(cluster, database, candidate) else None

    try:
        what = f"{candidate} as the leader of {database}"
        return wait.until(what, outcome, LIMIT_SECONDS) == "leads"
    except NotReadyError:
        _take_back(cluster.consul, wish)
        raise


def _candidate(consul: Api, database: str) -> Member:
    """Return the replica that has every write. For some seconds after a failover there is none.

    Raises NoStandbyError when no replica is well, NotReadyError when none has every write, or
    nobody would reach it.
    """
    if not any(each.is_well for each in _replicas(replication.members_of(consul, database))):
        raise NoStandbyError(
            f"{database} has no replica that has every write.",
            "Look at its members: ./just status",
        )
    wait.until(
        f"a replica of {database} that has every write",
        lambda: best(replication.members_of(consul, database)),
        LIMIT_SECONDS,
    )
    name = ""

    def reached() -> Member | None:
        nonlocal name
        found = best(replication.members_of(consul, database))
        name = found.name if found else name
        return found if found and _is_reached(consul, database, found.name) else None

    try:
        return wait.until(f"a reached replica of {database}", reached, LIMIT_SECONDS)
    except NotReadyError as error:
        raise NotReadyError(
            f"Nobody would reach {name or 'a replica'} of {database}, which has every write.",
            "Its machine may have been away. Try again in a moment, and then: ./just doctor",
        ) from error


def _take_back(consul: Api, wish: str) -> None:
    """Delete a wish that nobody has followed: a leader that comes back would follow it later."""
    for entry in consul.find(wish) or []:
        consul.call("DELETE", wish, cas=str(entry["ModifyIndex"]))


def move_away(cluster: Cluster, machine: str) -> None:
    """Switch every database over whose leader is on this machine. Raises what `switch` does."""
    number = numbers.known(cluster.consul).get(machine)
    for database in DATABASES:
        if number and leader(cluster.consul, database.name) == f"m{number}":
            switch(cluster, database.name)


def leader(consul: Api, database: str) -> str:
    """Return the name of the member that leads, empty when none does."""
    members = replication.members_of(consul, database)
    return next((each.name for each in members if each.role == replication.LEADER), "")


def _is_reached(consul: Api, database: str, name: str) -> bool:
    """Return whether the mesh would lead to this member as the leader.

    A machine that comes back may copy the leader before its Consul has told so: the mesh would go
    on to find its checks as they were.
    """
    return any(
        entry["Service"]["Meta"].get("member") == name
        and all(check["Status"] != "critical" for check in entry["Checks"])
        for entry in consul.call("GET", f"/v1/health/connect/{database}")
    )


def leads(cluster: Cluster, database: str, name: str) -> bool:
    """Return whether this member leads, and the mesh leads to it: its check passes."""
    if leader(cluster.consul, database) != name:
        return False
    entries = cluster.consul.call("GET", f"/v1/health/connect/{database}", passing="1")
    return any(each["Service"]["Meta"].get("member") == name for each in entries)


def best(members: list[Member]) -> Member | None:
    """Return the replica that a switchover is best to: every acknowledged write is on its disk.

    Patroni refuses one that is not synchronous.
    """
    fit = [each for each in _replicas(members) if each.is_well and each.is_synchronous]
    return min(fit, key=lambda each: each.behind or 0, default=None)


def _replicas(members: list[Member]) -> list[Member]:
    return [each for each in members if each.role == replication.REPLICA]
