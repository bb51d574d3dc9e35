"""What runs: agents, jobs, instances and their health."""

from dataclasses import dataclass
from typing import Any

from tasktracker_cluster.agents import consul, credentials, nomad, pages, preflight, supervisor
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.site import Site


@dataclass(frozen=True)
class Row:
    """One line of `status`."""

    kind: str  # agent or job
    name: str
    state: str
    running: int | None  # instances; None where that is not known
    wanted: int | None
    health: str  # passing, failing, or what is known instead

    @property
    def is_well(self) -> bool:
        return self.health == "passing"


def rows(site: Site) -> list[Row]:
    """Every agent and every job. Empty when there is no cluster."""
    if preflight.owner(site) is None:
        return []
    agents = _agents(site)
    if not any(agent.is_well for agent in agents):
        return [
            *agents,
            *(Row("job", job, "unknown", None, None, "no agents") for job in deployment.names()),
        ]
    tokens = credentials.load(site)
    nomad_api, consul_api = (
        nomad.api(site, tokens.nomad_management),
        consul.api(site, tokens.consul_management),
    )
    return [*agents, *(_job(nomad_api, consul_api, job) for job in deployment.names())]


def _agents(site: Site) -> list[Row]:
    known = {process.name: process for process in supervisor.processes(site)}
    found = []
    for name in supervisor.PROGRAMS:
        process = known.get(name)
        state = process.state.lower() if process else "stopped"
        answers = bool(process and process.pid) and _answers(site, name)
        running = 1 if process and process.pid else 0
        found.append(Row("agent", name, state, running, 1, "passing" if answers else "failing"))
    return found


def _answers(site: Site, program: str) -> bool:
    if program == pages.NAME:
        return pages.answer()
    api = consul.api(site, "") if program == "consul" else nomad.api(site, "")
    return api.answers("/v1/status/leader")


def _job(nomad_api: Api, consul_api: Api, job: str) -> Row:
    try:
        known = nomad_api.find(f"/v1/job/{job}")
        if known is None:
            return Row("job", job, "not deployed", 0, 0, "-")
        wanted = sum(group["Count"] for group in known["TaskGroups"] if not known["Stop"])
        running = [a for a in deployment.running(nomad_api, job) if a["ClientStatus"] == "running"]
        state = "stopped" if known["Stop"] else known["Status"]
        return Row("job", job, state, len(running), wanted, _health(consul_api, job))
    except ApiError as error:
        return Row("job", job, "unknown", None, None, error.message.rstrip("."))


def _health(consul_api: Api, service: str) -> str:
    entries: list[dict[str, Any]] = consul_api.call("GET", f"/v1/health/service/{service}")
    if not entries:
        return "not registered"
    checks = [check for entry in entries for check in entry["Checks"]]
    failing = sorted({c["Name"] for c in checks if c["Status"] != "passing"})
    return f"failing: {', '.join(failing)}" if failing else "passing"
