"""The machines of the cluster, and which of them are servers: keys in Consul.

Only the first machine writes them. The others can read them.
"""

import base64
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from tasktracker_cluster.agents.api import Api

_NODES = "tasktracker/nodes"
_SERVERS = "tasktracker/servers"

ALIVE = 1  # the state of a member in Consul's gossip


@dataclass(frozen=True)
class Member:
    """A machine. `certificate` is the fingerprint of what it shows to the first machine.

    `renewed` is that of the newest one. Both are good: the answer with the newest may be lost.
    `has_run`: its agents have run. Consul and Nomad forget a machine that is down after days.
    `rotated` is the last rotation of secrets that it took part in.
    """

    name: str
    address: str
    certificate: str = ""
    renewed: str = ""
    has_run: bool = False
    rotated: str = ""


def all_of(consul: Api) -> list[Member]:
    """Return every machine that was admitted, by name; none before the cluster had an address."""
    entries = consul.find(f"/v1/kv/{_NODES}/", recurse="true") or []
    found = [Member(**_decoded(entry)) for entry in entries]
    return sorted(found, key=lambda each: (len(each.name), each.name))


def put(consul: Api, member: Member) -> None:
    """Write the record of a machine."""
    consul.call("PUT", f"/v1/kv/{_NODES}/{member.name}", asdict(member))


def renew(consul: Api, shown: str, renewed: str) -> None:
    """Let a machine show its renewed certificate from now on, or as now the one it has `shown`."""
    for member in all_of(consul):
        if shown in (member.certificate, member.renewed):
            put(consul, replace(member, certificate=shown, renewed=renewed))


def remove(consul: Api, name: str) -> None:
    """Delete the record of a machine."""
    consul.call("DELETE", f"/v1/kv/{_NODES}/{name}")


def alive(consul: Api) -> set[str]:
    """Return the names of the machines whose Consul agent answers the others."""
    found = consul.call("GET", "/v1/agent/members")
    return {member["Name"] for member in found if member["Status"] == ALIVE}


def known(consul: Api) -> set[str]:
    """Return the names of Consul's members, dead ones included. It forgets these after 72 hours."""
    return {member["Name"] for member in consul.call("GET", "/v1/agent/members")}


def servers(consul: Api) -> list[str]:
    """Return the names of the machines that shall be servers; none: only the first one."""
    entries = consul.find(f"/v1/kv/{_SERVERS}")
    return list(_decoded(entries[0])) if entries else []


def watch_servers(consul: Api, index: int, seconds: int) -> tuple[list[str], int]:
    """Return the servers and the index of that state, when it differs from `index` or in time."""
    names, index = watch(consul, _SERVERS, index, seconds)
    return list(names or []), index


def watch(consul: Api, key: str, index: int, seconds: int) -> tuple[Any, int]:
    """Return a key's value, None without one, and the index of that state, as `watch_servers`."""
    path = f"/v1/kv/{key}?index={index}&wait={seconds}s"
    response = consul.http.get(path, timeout=seconds + 10)
    if response.status_code not in (200, 404):
        response.raise_for_status()
    value = _decoded(response.json()[0]) if response.status_code == 200 else None
    return value, int(response.headers.get("X-Consul-Index", "0"))


def set_servers(consul: Api, names: list[str]) -> None:
    """Write which machines shall be servers."""
    consul.call("PUT", f"/v1/kv/{_SERVERS}", names)


def _decoded(entry: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(entry["Value"]))
