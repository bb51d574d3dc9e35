"""The networks that CNI plugins make for Nomad's allocations, and their end without Nomad.

Nomad ends the network of an allocation that it stops. Of allocations that ended without it, as when
it was killed, these stay: the namespace, the address in the list of those in use, and iptables
rules.
"""

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import Site

PLUGINS = Path("/usr/lib/cni")  # as in nomad/agent/client.hcl
NAMESPACES = Path("/run/netns")
ADDRESSES = Path("/run/cni/nomad")  # a file for each address in use
RECORDS = Path("/var/lib/cni/results")  # how each network was made: libcni's, for its end


def allocations(site: Site) -> set[str]:
    """Return the ids of the allocations that have a folder on this machine."""
    return {folder.name for folder in (site.home / "nomad" / "alloc").glob("*")}


def networks(ids: set[str]) -> set[str]:
    """Return those of these allocations that have a network, or a rest of one."""
    named = {each for each in ids if (NAMESPACES / each).exists() or _records(each)}
    return named | addresses(ids).keys()


def addresses(ids: set[str]) -> dict[str, Path]:
    """Return the file of the address that each of these allocations uses."""
    found = {}
    for file in ADDRESSES.glob("[0-9]*"):
        with suppress(FileNotFoundError):  # another cluster's, which ends at this moment
            allocation = file.read_text().split("\n")[0].strip()  # the next line is an interface
            if allocation in ids:
                found[allocation] = file
    return found


def remove(site: Site) -> None:
    """Remove the networks of the site's allocations, whose processes have ended.

    Raises CommandError.
    """
    ids = allocations(site)
    for each in networks(ids):
        for record in _records(each):
            if known := _read(record):
                _delete(known)
            record.unlink()
        if (NAMESPACES / each).exists():
            shell.run(["ip", "netns", "delete", each])
    for address in addresses(ids).values():  # of one that was not complete
        address.unlink()


def _records(allocation: str) -> list[Path]:
    return list(RECORDS.glob(f"*-{allocation}-*"))


def _read(record: Path) -> dict[str, Any] | None:
    # A loss of power damages it, and then the plugins' rules have ended with the machine.
    with suppress(ValueError):
        return dict(json.loads(record.read_text()))
    return None


def _delete(record: dict[str, Any]) -> None:
    """Call the plugins with DEL, in reverse order, as libcni does."""
    network = json.loads(base64.b64decode(record["config"]))
    for plugin in reversed(network["plugins"]):
        capabilities = plugin.get("capabilities", {})
        settings = {
            **plugin,
            "name": network["name"],
            "cniVersion": network["cniVersion"],
            "prevResult": record["result"],
            "runtimeConfig": {
                name: value
                for name, value in record.get("capabilityArgs", {}).items()
                if capabilities.get(name)
            },
        }
        environment = {
            "CNI_COMMAND": "DEL",
            "CNI_CONTAINERID": record["containerId"],
            "CNI_NETNS": record["netns"],
            "CNI_IFNAME": record["ifName"],
            "CNI_ARGS": ";".join("=".join(pair) for pair in record.get("cniArgs", [])),
            "CNI_PATH": str(PLUGINS),
        }
        shell.run([PLUGINS / plugin["type"]], stdin=json.dumps(settings), env=environment)
