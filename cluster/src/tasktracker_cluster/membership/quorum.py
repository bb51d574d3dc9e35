"""Which machines are servers: three from three machines on, and with fewer the first one only."""

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import RefusedLeaveError
from tasktracker_cluster.membership import members

SERVERS = 3


def choose(cluster: Cluster, without: str = "") -> list[str]:
    """Write and return the machines that shall be servers. `without` names one that goes.

    A server stays one while it is away: only `nodes.forget` frees its place. With two machines the
    second one ends its servers: otherwise the loss of either would stop the cluster.
    """
    consul = cluster.consul
    present = members.alive(consul)
    known = [each.name for each in members.all_of(consul) if each.name != without]
    alive = [name for name in known if name in present]
    now = [name for name in members.servers(consul) if name in known]
    if len(known) < SERVERS:
        wanted = [name for name in now if name == cluster.site.node.name]
    elif len(alive) < SERVERS:
        return now
    else:
        wanted = [*now, *(name for name in alive if name not in now)][:SERVERS]
    if wanted != members.servers(consul):
        members.set_servers(consul, wanted)
    return wanted


def must_spare(cluster: Cluster, name: str) -> None:
    """Raise RefusedLeaveError when too few servers would be left without this machine."""
    alive = members.alive(cluster.consul)  # Nomad learns of a loss later
    for api in (cluster.consul, cluster.nomad):
        _must_spare(api, name, alive)


def _must_spare(api: Api, name: str, alive: set[str]) -> None:
    voters = _voters(api)
    if name not in voters:
        return
    left = (voters & alive) - {name}
    needed = (len(voters) - 1) // 2 + 1
    if len(left) < needed:
        raise RefusedLeaveError(
            f"The servers need {name}: without it {len(left)} of {len(voters) - 1} would answer, "
            f"and {needed} are needed.",
            "Bring the missing machine back, or remove it: tasktracker-cli admin node remove NAME",
        )


def strangers(cluster: Cluster) -> list[str]:
    """Return the voters that are in no record: removed machines that started again."""
    recorded = {each.name for each in members.all_of(cluster.consul)}
    return sorted((_voters(cluster.consul) | _voters(cluster.nomad)) - recorded)


def _voters(api: Api) -> set[str]:
    peers = api.call("GET", "/v1/operator/raft/configuration")["Servers"]
    return {peer["Node"].removesuffix(".global") for peer in peers if peer["Voter"]}


def release(cluster: Cluster, name: str) -> None:
    """Take a machine out of the servers, while its own servers still run.

    They would become voters again after ten seconds, so they must end now.
    """
    servers = [each for each in members.servers(cluster.consul) if each != name]
    if name in members.servers(cluster.consul):
        members.set_servers(cluster.consul, servers)
    for api, own in ((cluster.consul, name), (cluster.nomad, f"{name}.global")):
        for peer in api.call("GET", "/v1/operator/raft/configuration")["Servers"]:
            if peer["Node"] == own:
                api.call("DELETE", "/v1/operator/raft/peer", id=peer["ID"])
