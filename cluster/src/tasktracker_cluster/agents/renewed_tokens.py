"""New tokens of the first machine, in the place of those in its files.

The new ones are made and written first, and the old ones end when the agents use the new ones. So
at any moment the tokens in the files are valid.
"""

from typing import Any

from tasktracker_cluster.agents import consul as consul_agent
from tasktracker_cluster.agents import credentials
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

# The second name is Nomad's own for the token that `up` makes at first.
NOMAD_NAMES = ("the operator", "Bootstrap Token")

ENDED = "a former management token, without rights"


def make(site: Site, consul: Api, nomad: Api) -> None:
    """Make new tokens of both agents and of the operator, and write them into the files."""
    for name, granted in consul_agent.grants(site).items():
        _write(site, name, consul.call("PUT", "/v1/acl/token", granted)["SecretID"])
    operator = {"Name": NOMAD_NAMES[0], "Type": "management", "Global": True}
    made = nomad.call("POST", "/v1/acl/token", operator)
    _write(site, "nomad_management", made["SecretID"])


def end_old(site: Site, consul: Api, nomad: Api) -> None:
    """End the tokens that those in the files have replaced, in this rotation or an earlier one.

    `consul` and `nomad` must show the new ones.
    """
    descriptions = {granted["Description"] for granted in consul_agent.grants(site).values()}
    present = {
        credentials.path(site, name).read_text().strip() for name in consul_agent.grants(site)
    }
    for token in consul.call("GET", "/v1/acl/tokens"):
        if token["Description"] in descriptions and token["SecretID"] not in present:
            _end(consul, token)
    own = nomad.call("GET", "/v1/acl/token/self")["AccessorID"]
    for token in nomad.call("GET", "/v1/acl/tokens"):
        if token["Name"] in NOMAD_NAMES and token["AccessorID"] != own:
            nomad.call("DELETE", f"/v1/acl/token/{token['AccessorID']}")


def _end(consul: Api, token: dict[str, Any]) -> None:
    path = f"/v1/acl/token/{token['AccessorID']}"
    if token["Description"] != consul_agent.MANAGEMENT:
        consul.call("DELETE", path)
        return
    # A server that leads makes the management token with which it started, unless it exists. So
    # it stays, without any right.
    known = {name: token[name] for name in ("AccessorID", "SecretID")}
    consul.call("PUT", path, {**known, "Description": ENDED, "Policies": []})


def _write(site: Site, name: str, secret: str) -> None:
    files.write(credentials.path(site, name), f"{secret}\n", mode=0o600)
