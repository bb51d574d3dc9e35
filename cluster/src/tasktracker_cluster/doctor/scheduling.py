"""The hops of the agents: their supervisor, Consul, Nomad, this Nomad node, their pages."""

from tasktracker_cluster.agents import consul, nomad, pages, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor.hops import Hop, Path
from tasktracker_cluster.doctor.repairs import ENV, LOGS, UP
from tasktracker_cluster.errors import BrokenHopError


def path(cluster: Cluster) -> Path:
    """Return the hops of the programs that schedule the services and know their addresses."""
    hops = (
        Hop("supervisor", lambda: _supervisor(cluster)),
        Hop("Consul", lambda: _consul(cluster)),
        Hop("Nomad", lambda: _nomad(cluster)),
        Hop("node", lambda: _node(cluster)),
        Hop("pages", lambda: _pages(cluster)),
    )
    return Path("agents", hops, shared=True)


def _supervisor(cluster: Cluster) -> str:
    if not supervisor.is_running(cluster.site):
        raise BrokenHopError("the supervisor of the agents does not run", UP)
    return "answers"


def _consul(cluster: Cluster) -> str:
    pid = _pid(cluster, "consul")
    if not cluster.consul.answers("/v1/status/leader"):
        raise _no_response("Consul", pid)
    if not consul.has_leader(cluster.consul):
        raise BrokenHopError("Consul has no leader, or refuses its token", f"{LOGS} consul")
    return f"has a leader, process {pid}"


def _nomad(cluster: Cluster) -> str:
    pid = _pid(cluster, "nomad")
    if not cluster.nomad.answers("/v1/status/leader"):
        raise _no_response("Nomad", pid)
    if not nomad.has_leader(cluster.nomad):
        raise BrokenHopError("Nomad has no leader yet, or no key", f"{LOGS} nomad")
    return f"has a leader, process {pid}"


def _node(cluster: Cluster) -> str:
    mine = cluster.site.node
    # By its name: only a management token can ask the agent for its id.
    known = [node for node in nomad.nodes(cluster.nomad) if node.name == mine.name]
    if not known:
        raise BrokenHopError("Nomad does not know this machine", f"{LOGS} nomad")
    if known[-1].status != "ready":
        raise BrokenHopError(f"Nomad's node is {known[-1].status}", f"{LOGS} nomad")
    if not known[-1].is_eligible:
        here = f"{ENV}; nomad node eligibility -enable -self"
        there = f"On {mine.first}: tasktracker-cli admin node enable {mine.name}"
        raise BrokenHopError(
            "Nomad places nothing on this machine", here if mine.is_first else there
        )
    return "ready, takes jobs"


def _pages(cluster: Cluster) -> str:
    pid = _pid(cluster, pages.NAME)
    if not pages.are_served():
        raise _no_response("the proxy before the agents' pages", pid)
    return f"answer, process {pid}"


def _pid(cluster: Cluster, program: str) -> int:
    process = next((p for p in supervisor.processes(cluster.site) if p.name == program), None)
    if process is None or not process.pid:
        state = process.state.lower() if process else "not there"
        raise BrokenHopError(f"{program} is {state}", UP)
    return process.pid


def _no_response(name: str, pid: int) -> BrokenHopError:
    return BrokenHopError(
        f"{name} runs as process {pid} and does not answer",
        f"kill -KILL {pid}",  # the supervisor restarts it, and the tasks go on
    )
