"""What the probes stand on: the site, the agents' APIs, and which instances there are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tasktracker_cluster.agents import consul, credentials, nomad
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.site import GATEWAY_URL, TRAEFIK_URL, Site

LIMIT_SECONDS = 5.0  # what takes longer is broken: each hop is on this machine

UP = "./just up"
ENV = 'eval "$(./just env)"'  # gives `nomad` and `consul` their address and token
LOGS = "./just logs"

_ALLOCATION = re.compile(r"_nomad-task-([0-9a-f-]{36})-")


@dataclass(frozen=True)
class Instance:
    """A service's sidecar, as Consul's catalog has it."""

    service: str
    address: tuple[str, int]
    allocation: str

    @classmethod
    def parse(cls, service: str, entry: Mapping[str, Any]) -> "Instance":
        """Read an entry of /v1/health/connect/SERVICE."""
        sidecar = entry["Service"]
        found = _ALLOCATION.search(sidecar["ID"])
        address = sidecar["Address"], sidecar["Port"]
        return cls(service, address, found[1] if found else "")


class Ground:
    """Each thing is made when a probe first asks for it; until then it may be broken."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @cached_property
    def tokens(self) -> Tokens:
        return credentials.load(self.site)

    @cached_property
    def consul(self) -> Api:
        return consul.api(self.site, self.tokens.consul_management, LIMIT_SECONDS)

    @cached_property
    def nomad(self) -> Api:
        return nomad.api(self.site, self.tokens.nomad_management, LIMIT_SECONDS)

    @cached_property
    def gateway(self) -> Api:
        return Api("the gateway", GATEWAY_URL, {}, LIMIT_SECONDS)

    @cached_property
    def traefik(self) -> Api:
        """Traefik's own API, beside its dashboard."""
        return Api("Traefik", TRAEFIK_URL, {}, LIMIT_SECONDS)

    def allocation(self, job: str) -> dict[str, Any]:
        """The newest running allocation of a job. Raises BrokenHopError if there is none."""
        known = self.nomad.find(f"/v1/job/{job}")
        if known is None or known["Stop"]:
            state = "stopped" if known else "not deployed"
            raise BrokenHopError(f"the job {job} is {state}", UP)
        running = [a for a in deployment.running(self.nomad, job) if a["ClientStatus"] == "running"]
        if not running:
            said = deployment.evidence(self.nomad, job)
            last = f": {said[-1]}" if said else ""
            raise BrokenHopError(f"the job {job} has no running instance{last}", f"{LOGS} {job}")
        return max(running, key=lambda allocation: int(allocation["CreateIndex"]))

    def instances(self, service: str) -> list[Instance]:
        """The sidecars of a service, healthy or not. Raises BrokenHopError if there is none."""
        self.allocation(service)
        entries = self.consul.call("GET", f"/v1/health/connect/{service}")
        if not entries:
            raise BrokenHopError(
                f"{service} runs, but Consul does not know it",
                f"{ENV}; nomad alloc stop {self.allocation(service)['ID'][:8]}",
            )
        return [Instance.parse(service, entry) for entry in entries]

    def failing_checks(self, service: str) -> str:
        """The names of a service's checks that do not pass; empty when all do."""
        entries = self.consul.call("GET", f"/v1/health/service/{service}")
        checks = [check for entry in entries for check in entry["Checks"]]
        return ", ".join(sorted({c["Name"] for c in checks if c["Status"] != "passing"}))


def restart(allocation: str, task: str) -> str:
    """The command that restarts one task of an allocation."""
    return f"{ENV}; nomad alloc restart {allocation[:8]} {task}"
