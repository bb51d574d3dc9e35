"""The Nomad agent: its API, access to it, and this machine as its client."""

from pathlib import Path

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import NODE_NAME, NOMAD_URL, Site


def api(site: Site, token: str, timeout: float = 10) -> Api:
    """A client for this machine's Nomad agent."""
    headers = {"X-Nomad-Token": token}
    return Api("Nomad", NOMAD_URL, headers, timeout, certificates.client(site))


def environment(site: Site) -> dict[str, str]:
    """Variables with which the program `nomad` reaches the agent. The token is not among them."""
    return {"NOMAD_ADDR": NOMAD_URL, **certificates.environment(site, "NOMAD")}


def has_leader(nomad: Api) -> bool:
    """Whether a leader answers and has its keyring: before that it signs and encrypts nothing."""
    if not nomad.answers("/v1/status/leader") or not nomad.answers("/.well-known/jwks.json"):
        return False
    return bool(nomad.call("GET", "/.well-known/jwks.json")["keys"])


def set_up_acl(site: Site, nomad: Api, tokens: Tokens) -> None:
    """Make the management token ours, and let anyone look."""
    if not nomad.answers("/v1/acl/token/self"):
        nomad.call("POST", "/v1/acl/bootstrap", {"BootstrapSecret": tokens.nomad_management})
    nomad.call(
        "POST",
        "/v1/acl/policy/anonymous",
        {"Name": "anonymous", "Rules": (site.checkout / "nomad/acl/anonymous.hcl").read_text()},
    )


def knows_this_node(nomad: Api) -> bool:
    """Whether this machine's client has ever registered."""
    client = nomad.call("GET", "/v1/agent/self")["stats"]["client"]
    return nomad.find(f"/v1/node/{client['node_id']}") is not None


def introduction(site: Site) -> Path:
    """The file with which a client that is not known yet introduces itself when it starts."""
    return site.home / "nomad" / "client" / "intro_token.jwt"


def introduce(site: Site, nomad: Api) -> None:
    """Write this machine's introduction, good for five minutes, for the client's next start."""
    made = nomad.call("POST", "/v1/acl/identity/client-introduction-token", {"NodeName": NODE_NAME})
    files.write(introduction(site), made["JWT"], mode=0o600)
    # A server that starts again has its keys at once only where a snapshot holds them. Without, it
    # refuses the introduction before it leads, and the client stays away for 15 to 30 s.
    nomad.content("/v1/operator/snapshot")


def has_ready_node(nomad: Api) -> bool:
    """Whether this machine's client has registered since its start, and can take jobs.

    The servers' word alone may be from before a restart.
    """
    # A restarted client that asked before its server was ready is refused, and tries again after
    # 15 to 60 s, or as soon as any other call of its is answered. To check a token it makes one
    # (but not again within `acl.token_ttl`, nomad/agent/base.hcl).
    nomad.answers("/v1/client/stats")
    client = nomad.call("GET", "/v1/agent/self")["stats"].get("client", {})
    if "h" in client.get("last_heartbeat", "never: h"):  # 2562047h47m: none yet
        return False
    node = nomad.find(f"/v1/node/{client['node_id']}")
    return bool(node and node["Status"] == "ready")
