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

LIMIT_SECONDS = 60


def switch(cluster: Cluster, database: str) -> Member:
    """Make a replica the leader, and return it when it takes writes.

    Raises NoStandbyError when there is none, NotReadyError when Patroni refuses or takes too long.
    """
    what = f"a leader of {database}"
    before = wait.until(what, lambda: leader(cluster.consul, database) or None, LIMIT_SECONDS)
    candidate = best(replication.members_of(cluster.consul, database))
    if candidate is None:
        raise NoStandbyError(
            f"{database} has no replica that has every write.",
            "Look at its members: ./just status",
        )
    wish = f"/v1/kv/service/{database}/failover"
    cluster.consul.call("PUT", wish, {"leader": before, "member": candidate.name})

    def has_moved() -> bool:
        if leader(cluster.consul, database) == before and cluster.consul.find(wish) is None:
            raise NotReadyError(
                f"Patroni did not make {candidate.name} the leader of {database}.",
                f"See why: ./just logs {database}",
            )
        return leads(cluster, database, candidate.name)

    try:
        wait.until(f"{candidate.name} as the leader of {database}", has_moved, LIMIT_SECONDS)
    except NotReadyError:
        _take_back(cluster.consul, wish)
        raise
    return candidate


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


def leads(cluster: Cluster, database: str, name: str) -> bool:
    """Return whether this member leads, and the mesh leads to it: its check passes."""
    if leader(cluster.consul, database) != name:
        return False
    entries = cluster.consul.call("GET", f"/v1/health/connect/{database}", passing="1")
    return any(each["Service"]["Meta"].get("member") == name for each in entries)


def best(members: list[Member]) -> Member | None:
    """Return the replica that a switchover is best to: every acknowledged write is on its disk.

    Where no replica is synchronous, it is one that has received all.
    """
    fit = [each for each in members if each.role == replication.REPLICA and each.is_well]
    if any(each.is_synchronous for each in members):
        fit = [each for each in fit if each.is_synchronous]
    return min(fit, key=lambda each: each.behind or 0, default=None)
