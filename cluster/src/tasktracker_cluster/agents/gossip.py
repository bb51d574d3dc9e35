"""The gossip keys of a running cluster: new ones in every agent's keyring, then not the old ones.

An agent starts with the keyring in its data folder. The configuration has a key for the first
start only, but it must be the right one when a machine joins or becomes a server.
"""

from typing import Any

from tasktracker_cluster.agents import credentials, rendered
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.site import Site

# An agent's answer to such a request is one UDP packet, which may get lost. Each request may be
# repeated: it says what the keyrings shall be.
ATTEMPTS = 5

# The methods and paths of both APIs.
_REQUESTS = {
    "consul": {
        "install": ("POST", "/v1/operator/keyring"),
        "use": ("PUT", "/v1/operator/keyring"),
        "remove": ("DELETE", "/v1/operator/keyring"),
        "list": ("GET", "/v1/operator/keyring"),
    },
    "nomad": {
        "install": ("PUT", "/v1/agent/keyring/install"),
        "use": ("PUT", "/v1/agent/keyring/use"),
        "remove": ("PUT", "/v1/agent/keyring/remove"),
        "list": ("GET", "/v1/agent/keyring/list"),
    },
}


def use_new_key(site: Site, agent: str, api: Api) -> None:
    """Encrypt gossip with a new key. Every agent still reads what is encrypted with the old one.

    A second try continues an interrupted one with the same key.
    """
    key = credentials.next_gossip_key(site, agent)
    _ask(agent, api, "install", key)
    _ask(agent, api, "use", key)
    keep(site, agent, key)


def remove_old_keys(site: Site, agent: str, api: Api) -> None:
    """Forget every key except the present one."""
    present = credentials.gossip_key(site, agent)
    for key in keys(agent, api) - {present}:
        _ask(agent, api, "remove", key)
    credentials.forget_next_gossip_key(site, agent)


def keys(agent: str, api: Api) -> set[str]:
    """Return the keys in the keyrings of all agents of a kind."""
    found = _ask(agent, api, "list")
    rings = found if isinstance(found, list) else [found]
    return {key for ring in rings for key in ring["Keys"]}


def keep(site: Site, agent: str, key: str) -> None:
    """Write the key into the files of this machine that a first start of a server reads."""
    rendered.change(site, agent, "encrypt", key)
    credentials.set_gossip_key(site, agent, key)


def _ask(agent: str, api: Api, operation: str, key: str = "") -> Any:
    method, path = _REQUESTS[agent][operation]
    for left in reversed(range(ATTEMPTS)):
        try:
            return api.call(method, path, {"Key": key} if key else None)
        except ApiError:
            if not left:
                raise
    raise AssertionError  # a request was sent, or its error was raised
