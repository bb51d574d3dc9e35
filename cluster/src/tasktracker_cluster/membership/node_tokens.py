"""The Consul tokens of a machine that joins: one for its Consul agent, one for its Nomad agent."""

from tasktracker_cluster.agents.api import Api

_DESCRIPTIONS = {"agent": "the Consul agent of {}", "nomad": "the nomad agent of {}"}


def make(consul: Api, name: str) -> dict[str, str]:
    """Return new tokens of a machine, and delete those that it had before."""
    delete(consul, name)
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
    descriptions = {text.format(name) for text in _DESCRIPTIONS.values()}
    for token in consul.call("GET", "/v1/acl/tokens"):
        if token["Description"] in descriptions:
            consul.call("DELETE", f"/v1/acl/token/{token['AccessorID']}")
