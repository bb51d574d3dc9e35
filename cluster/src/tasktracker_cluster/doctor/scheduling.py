"""The agents' hops: their supervisor, Consul, Nomad, this machine as Nomad's node, their pages."""

from tasktracker_cluster.agents import consul, nomad, pages, supervisor
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.doctor.ground import ENV, LOGS, UP, Ground
from tasktracker_cluster.doctor.walk import Hop, Path
from tasktracker_cluster.errors import BrokenHopError


def path(ground: Ground) -> Path:
    """What schedules the services and knows where they are."""
    hops = (
        Hop("supervisor", lambda: _supervisor(ground)),
        Hop("Consul", lambda: _consul(ground)),
        Hop("Nomad", lambda: _nomad(ground)),
        Hop("node", lambda: _node(ground.nomad)),
        Hop("pages", lambda: _pages(ground)),
    )
    return Path("agents", hops, shared=True)


def _supervisor(ground: Ground) -> str:
    if not supervisor.is_running(ground.site):
        raise BrokenHopError("nothing keeps the agents alive", UP)
    return "answers"


def _consul(ground: Ground) -> str:
    pid = _pid(ground, "consul")
    if not ground.consul.answers("/v1/status/leader"):
        raise _silent("Consul", pid)
    if not consul.has_leader(ground.consul):
        raise BrokenHopError("Consul has no leader, or refuses its token", f"{LOGS} consul")
    return f"leads, process {pid}"


def _nomad(ground: Ground) -> str:
    pid = _pid(ground, "nomad")
    if not ground.nomad.answers("/v1/status/leader"):
        raise _silent("Nomad", pid)
    if not nomad.has_leader(ground.nomad):
        raise BrokenHopError("Nomad has no leader yet, or no key", f"{LOGS} nomad")
    return f"leads, process {pid}"


def _node(api: Api) -> str:
    name = api.call("GET", "/v1/agent/self")["stats"]["client"]["node_id"]
    node = api.call("GET", f"/v1/node/{name}")
    if node["Status"] != "ready":
        raise BrokenHopError(f"this machine is {node['Status']} to Nomad", f"{LOGS} nomad")
    if node["SchedulingEligibility"] != "eligible":
        raise BrokenHopError(
            "Nomad places nothing on this machine", f"{ENV}; nomad node eligibility -enable -self"
        )
    return "ready, takes jobs"


def _pages(ground: Ground) -> str:
    pid = _pid(ground, pages.NAME)
    if not pages.answer():
        raise _silent("the proxy before the agents' pages", pid)
    return f"answer, process {pid}"


def _pid(ground: Ground, program: str) -> int:
    process = next((p for p in supervisor.processes(ground.site) if p.name == program), None)
    if process is None or not process.pid:
        state = process.state.lower() if process else "not there"
        raise BrokenHopError(f"{program} is {state}", UP)
    return process.pid


def _silent(name: str, pid: int) -> BrokenHopError:
    return BrokenHopError(
        f"{name} runs as process {pid} and does not answer",
        f"kill -KILL {pid}",  # its supervisor starts it again; tasks go on meanwhile
    )
