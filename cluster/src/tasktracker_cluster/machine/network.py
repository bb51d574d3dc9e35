"""The node's own interface and address."""

import json
import subprocess

from tasktracker_cluster.errors import BadAddressError
from tasktracker_cluster.machine import shell

# A link-local address on a bridge without ports: every allocation reaches it, and it is the same on
# every network. (A bridge needs no other kernel module than Nomad's own networking does.)
NODE_INTERFACE = "tasktracker0"
NODE_HOST = "169.254.1.1"
NODE_ADDRESS = f"{NODE_HOST}/32"
ALLOCATIONS_INTERFACE = "tasktracker1"  # made by Nomad (nomad/agent/single.hcl)


def create_address() -> None:
    """Make the node's interface and address."""
    if not _has_link(NODE_INTERFACE):
        shell.run(["ip", "link", "add", NODE_INTERFACE, "type", "bridge"])
    shell.run(["ip", "address", "replace", NODE_ADDRESS, "dev", NODE_INTERFACE])
    shell.run(["ip", "link", "set", NODE_INTERFACE, "up"])


def interface_of(address: str) -> str:
    """Return the name of the interface with this IPv4 address.

    Raises BadAddressError when it is not an address of this machine that others can reach, or not
    the first one of its interface: Nomad registers sidecars with the first one.
    """
    for interface in json.loads(shell.run(["ip", "-json", "-4", "address", "show"])):
        own = [each["local"] for each in interface["addr_info"] if each["scope"] == "global"]
        if address in own and own[0] != address:
            raise BadAddressError(
                f"{address} is not the first address of {interface['ifname']}.", f"Use {own[0]}."
            )
        if address in own:
            return str(interface["ifname"])
    raise BadAddressError(
        f"{address} is not an IPv4 address of this machine that others can reach.",
        "Use one of those that `ip address` lists.",
    )


def remove_interfaces() -> None:
    """Remove the interfaces of `create_address` and of Nomad."""
    for name in (NODE_INTERFACE, ALLOCATIONS_INTERFACE):
        if _has_link(name):
            shell.run(["ip", "link", "delete", name])


def _has_link(name: str) -> bool:
    # /sys is no use here: it shows the namespace that it was mounted in.
    command = ["ip", "link", "show", "dev", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
