"""The Consul tokens of a machine that joins: one for its Consul agent, one for its Nomad agent."""

from collections.abc import Iterable
from typing import Any

from tasktracker_cluster.agents.api import Api

_DESCRIPTIONS = {"agent": "the Consul agent of {}", "nomad": "the nomad agent of {}"}


def replace(consul: Api, name: str) -> dict[str, str]:
    """Return new tokens of a machine, and delete those that it had before."""
    delete(consul, name)
    return make(consul, name)


def make(consul: Api, name: str) -> dict[str, str]:
    """Return new tokens of a machine."""
    identity = {"NodeName": name, "Datacenter": "dc1"}
    agent = {"NodeIdentities": [identity], "Policies": [{"Name": "member"}]}
    nomad = {"Policies": [{"Name": "nomad-agent"}]}
    return {
        f"consul_{agent_name}": consul.call(
            "PUT",
            "/v1/acl/token",
            {"Description": _DESCRIPTIONS[agent_name].format(name), **grants},
        )["SecretID"]
        for agent_name, grants in (("agent", agent), ("nomad", nomad))
    }


def delete(consul: Api, name: str) -> None:
    """Delete the tokens of a machine."""
    for description in _DESCRIPTIONS.values():
        _delete(consul, _described(consul, description.format(name)))


def delete_old(consul: Api, name: str) -> None:
    """Delete the tokens of a machine except the newest ones."""
    for description in _DESCRIPTIONS.values():
        _delete(consul, _described(consul, description.format(name))[:-1])


def _described(consul: Api, description: str) -> list[dict[str, Any]]:
    """Return the tokens of this description, the newest last."""
    tokens = consul.call("GET", "/v1/acl/tokens")
    found = [token for token in tokens if token["Description"] == description]
    return sorted(found, key=lambda token: int(token["CreateIndex"]))


def _delete(consul: Api, tokens: Iterable[dict[str, Any]]) -> None:
    for token in tokens:
        consul.call("DELETE", f"/v1/acl/token/{token['AccessorID']}")
