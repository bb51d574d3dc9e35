"""The node's own interface and address."""

import subprocess

from tasktracker_cluster.machine import shell

# A link-local address on a bridge without ports: every allocation reaches it, and it is the same on
# every network. (A bridge needs no other kernel module than Nomad's own networking does.)
NODE_INTERFACE = "tasktracker0"
NODE_ADDRESS = "169.254.1.1/32"
ALLOCATIONS_INTERFACE = "tasktracker1"  # made by Nomad (nomad/agent/single.hcl)


def create_address() -> None:
    """Make the node's interface and address."""
    if not _has_link(NODE_INTERFACE):
        shell.run(["ip", "link", "add", NODE_INTERFACE, "type", "bridge"])
    shell.run(["ip", "address", "replace", NODE_ADDRESS, "dev", NODE_INTERFACE])
    shell.run(["ip", "link", "set", NODE_INTERFACE, "up"])


def remove_interfaces() -> None:
    """Remove the interfaces of `create_address` and of Nomad."""
    for name in (NODE_INTERFACE, ALLOCATIONS_INTERFACE):
        if _has_link(name):
            shell.run(["ip", "link", "delete", name])


def _has_link(name: str) -> bool:
    # /sys is no use here: it shows the namespace that it was mounted in.
    command = ["ip", "link", "show", "dev", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
