"""The node's own interface and address."""

import json
import shutil
from collections.abc import Sequence

from tasktracker_cluster.errors import BadAddressError, CommandError
from tasktracker_cluster.machine import shell

# A link-local address on a bridge without ports: every allocation reaches it, and it is the same on
# every network. (A bridge needs no other kernel module than Nomad's own networking does.)
NODE_INTERFACE = "tasktracker0"
NODE_HOST = "169.254.1.1"
NODE_ADDRESS = f"{NODE_HOST}/32"
ALLOCATIONS_INTERFACE = "tasktracker1"  # made by Nomad (nomad/agent/single.hcl)

# Before any other rule: the CNI plugins lead ports of this address to allocations.
_TABLE = "raw"
_IPTABLES = ("iptables", "--wait", "--table", _TABLE)
_CHAIN = "TASKTRACKER"
_JUMP = ("PREROUTING", "--destination", NODE_ADDRESS, "--jump", _CHAIN)
_CLOSED = f"""\
*{_TABLE}
:{_CHAIN} - [0:0]
--append {_CHAIN} --in-interface lo --jump RETURN
--append {_CHAIN} --in-interface {ALLOCATIONS_INTERFACE} --jump RETURN
--append {_CHAIN} --jump DROP
COMMIT
"""


def create_address() -> None:
    """Make the node's interface and address, which no other machine reaches.

    By itself Linux would take packets for it from each interface: a neighbour needs only a route.
    """
    # All at once: the address of a running cluster is never open, even if this is interrupted.
    shell.run(["iptables-restore", "--wait", "--noflush"], stdin=_CLOSED)
    if not _succeeds([*_IPTABLES, "--check", *_JUMP]):
        shell.run([*_IPTABLES, "--insert", *_JUMP])
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
    """Remove the interfaces of `create_address` and of Nomad, and the rules for both."""
    if shutil.which("iptables", path=shell.path()):  # else the installation failed
        for words in (("--delete", *_JUMP), ("--flush", _CHAIN), ("--delete-chain", _CHAIN)):
            _succeeds([*_IPTABLES, *words])  # not if there are none
    if _has_link(ALLOCATIONS_INTERFACE):
        _remove_rules()
    for name in (NODE_INTERFACE, ALLOCATIONS_INTERFACE):
        if _has_link(name):
            shell.run(["ip", "link", "delete", name])


def _remove_rules() -> None:
    # Nomad lets packets through to its bridge. The CNI plugins remove all other rules.
    for rule in shell.run(["iptables", "-w", "-S"]).splitlines():
        if f" -o {ALLOCATIONS_INTERFACE} " in rule:
            shell.run(["iptables", "-w", "-D", *rule.split()[1:]])  # it begins with -A


def _has_link(name: str) -> bool:
    # /sys is no use here: it shows the namespace that it was mounted in.
    return _succeeds(["ip", "link", "show", "dev", name])


def _succeeds(command: Sequence[str]) -> bool:
    try:
        shell.run(command)
    except CommandError:
        return False
    return True
