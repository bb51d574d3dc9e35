"""The Nomad agent: its API, its ACL, and this machine as its client."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import NOMAD_PAGE, NOMAD_URL, Site

READY_SECONDS = 180  # for this machine's client: a refused one tries again after 15 to 60 s


@dataclass(frozen=True)
class Node:
    """A machine that runs jobs, as Nomad knows it."""

    name: str
    identifier: str
    status: str  # ready, down, disconnected, initializing
    is_eligible: bool  # Nomad may place jobs on it
    is_draining: bool

    @property
    def takes_jobs(self) -> bool:
        return self.status == "ready" and self.is_eligible


def nodes(nomad: Api) -> list[Node]:
    """Return every node that Nomad knows, ordered by name, and the newest of a name last."""
    found = nomad.call("GET", "/v1/nodes")
    return [
        Node(n["Name"], n["ID"], n["Status"], n["SchedulingEligibility"] == "eligible", n["Drain"])
        for n in sorted(found, key=lambda n: (n["Name"], n["CreateIndex"]))
    ]


def api(site: Site, token: str, timeout: float = 10, patience: float = 0) -> Api:
    """Return a client for this machine's Nomad agent. `timeout` and `patience` are in seconds."""
    headers = {"X-Nomad-Token": token}
    return Api("Nomad", NOMAD_URL, headers, timeout, certificates.client(site), patience)


def public_job(name: str) -> dict[str, Any] | None:
    """Return a job as anybody on this machine may read it. None for an unknown one, or no leader.

    It needs no token and no certificate: the page is asked.
    """
    page = Api("Nomad", NOMAD_PAGE, {})
    return page.find(f"/v1/job/{name}") if page.answers("/v1/status/leader") else None


def meta(job: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the names and values that a job's file gives the job, none for no job."""
    return (job or {}).get("Meta") or {}


def environment(site: Site) -> dict[str, str]:
    """Return the variables that give the program `nomad` its address, without a token."""
    return {"NOMAD_ADDR": NOMAD_URL, **certificates.environment(site, "NOMAD")}


def has_leader(nomad: Api) -> bool:
    """Return whether a leader answers and has its keyring, which it needs to sign and encrypt."""
    if not nomad.answers("/v1/status/leader") or not nomad.answers("/.well-known/jwks.json"):
        return False
    return bool(nomad.call("GET", "/.well-known/jwks.json")["keys"])


def set_up_acl(site: Site, nomad: Api, tokens: Tokens) -> None:
    """Set the management token, and the policy of anonymous callers, who may read."""
    if not nomad.answers("/v1/acl/token/self"):
        nomad.call("POST", "/v1/acl/bootstrap", {"BootstrapSecret": tokens.nomad_management})
    nomad.call(
        "POST",
        "/v1/acl/policy/anonymous",
        {"Name": "anonymous", "Rules": (site.checkout / "nomad/acl/anonymous.hcl").read_text()},
    )


def knows_this_node(nomad: Api) -> bool:
    """Return whether this machine's client has ever registered."""
    client = nomad.call("GET", "/v1/agent/self")["stats"]["client"]
    return nomad.find(f"/v1/node/{client['node_id']}") is not None


def introduction(site: Site) -> Path:
    """Return the file that introduces a client to the servers at its first start."""
    return site.home / "nomad" / "client" / "intro_token.jwt"


def make_introduction(nomad: Api, name: str) -> str:
    """Return the token that introduces the client `name`. It expires in five minutes."""
    path = "/v1/acl/identity/client-introduction-token"
    return str(nomad.call("POST", path, {"NodeName": name})["JWT"])


def introduce(site: Site, nomad: Api) -> None:
    """Write this machine's introduction for the client's next start."""
    files.write(introduction(site), make_introduction(nomad, site.node.name), mode=0o600)
    # A restarted server has its keys at once only if a snapshot contains them. Without a snapshot
    # it refuses the introduction until it leads, and the client waits 15 to 30 s to try again.
    nomad.content("/v1/operator/snapshot")


def has_ready_node(nomad: Api) -> bool:
    """Return whether this machine's client has registered since its start, and can take jobs.

    The servers' state alone may be from before a restart.
    """
    # A server that is not ready refuses a restarted client, which tries again after 15 to 60 s, or
    # as soon as another of its calls succeeds. This request makes the client send such a call,
    # because it must check the token (once per `acl.token_ttl`, nomad/agent/base.hcl).
    nomad.answers("/v1/client/stats")
    client = nomad.call("GET", "/v1/agent/self")["stats"].get("client", {})
    if "h" in client.get("last_heartbeat", "never: h"):  # 2562047h47m: none yet
        return False
    node = nomad.find(f"/v1/node/{client['node_id']}")
    return bool(node and node["Status"] == "ready")
