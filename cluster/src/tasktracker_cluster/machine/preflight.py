"""The conditions of `up`, checked before it changes anything."""

import errno
import os
import re
import shutil
import socket

from tasktracker_cluster.errors import (
    AdminError,
    BadAddressError,
    BadHomeError,
    NoSpaceError,
    NotRootError,
    PortTakenError,
    UnfitMachineError,
)
from tasktracker_cluster.machine import shell
from tasktracker_cluster.machine.network import NODE_HOST
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    MEMBERSHIP_PORT,
    PORTS,
    SHARED_STORE_PORT,
    SPANS_PORT,
)

NEEDED_BYTES = 2 * 2**30
BETWEEN_MACHINES = (MEMBERSHIP_PORT, SHARED_STORE_PORT)

# The commands of `admin` that the justfile has no recipe for.
WITHOUT_RECIPE = ("db", "install", "node")

# Below the state folder, the path of an allocation's socket for Consul has 76 characters. The
# kernel allows 107 for the whole path.
LONGEST_HOME = 31


def must_be_root(command: str) -> None:
    """Raise NotRootError unless this is root: networks, users and control groups need it."""
    if os.geteuid() != 0:
        has_recipe = command.split()[0] not in WITHOUT_RECIPE
        program = "./just" if has_recipe else ".venv/bin/tasktracker-cli admin"
        raise NotRootError(f"`{command}` needs root.", f"Run it as: sudo {program} {command}")


def must_be_first(site: Site, command: str) -> None:
    """Raise UnfitMachineError on a machine that has joined: it has no management tokens."""
    if not site.node.is_first:
        raise UnfitMachineError(
            "This machine has joined a cluster.",
            f"On its first machine, {site.node.first}: {command}",
        )


def must_have_a_usable_home(site: Site) -> None:
    """Raise BadHomeError when the folder's name is too long or has special characters.

    Paths of sockets have a length limit, and the jobs' commands cannot quote.
    """
    name = str(site.home)
    if len(name) > LONGEST_HOME or not re.fullmatch(r"[\w./-]+", name):
        raise BadHomeError(
            f"The state folder {name} must have at most {LONGEST_HOME} characters, without spaces.",
            "Set TASKTRACKER_HOME to a shorter name.",
        )


def must_have_space(site: Site) -> None:
    """Raise NoSpaceError below two gibibytes on the state folder's file system."""
    free = shutil.disk_usage(site.home).free
    if free < NEEDED_BYTES:
        raise NoSpaceError(
            f"{site.home} has {free / 2**30:.1f} GiB of free space; two are needed.",
            "Delete files, or set TASKTRACKER_HOME to a folder on a larger disk.",
        )


def must_have_ports(site: Site) -> None:
    """Raise PortTakenError, which names the program that uses the port, unless all are free."""
    shared = site.node.address or "127.0.0.1"
    for port in PORTS:
        if (
            port.observes
            or port.traces
            or (port.number in BETWEEN_MACHINES and not site.node.is_advertised)
        ):
            continue  # nothing listens there
        address = site.bind if port.is_public else shared if port.is_shared else "127.0.0.1"
        must_be_free(
            address, port.number, port.purpose, "Stop that program, then repeat the command."
        )


def must_have_observing_ports() -> None:
    """Raise PortTakenError unless the ports of the jobs of `observe` are free."""
    for port in PORTS:
        if port.observes:
            hint = "Stop that program, then run: ./just observe"
            must_be_free("127.0.0.1", port.number, port.purpose, hint)


def must_have_tracing_ports() -> None:
    """Raise PortTakenError unless the ports of `observe --traces` are free."""
    for port in PORTS:
        if port.traces:
            address = NODE_HOST if port.number == SPANS_PORT else "127.0.0.1"
            hint = "Stop that program, then run: ./just observe --traces"
            must_be_free(address, port.number, port.purpose, hint)


def must_have_shared_ports(address: str) -> None:
    """Raise PortTakenError unless the ports for other machines are free on this address."""
    for port in PORTS:
        if port.is_shared:
            must_be_free(address, port.number, port.purpose, "Stop that program, then try again.")


def must_be_free(address: str, port: int, purpose: str, hint: str) -> None:
    """Raise PortTakenError, which names the program that uses the port, unless it is free.

    Raises BadAddressError when this machine does not have the address.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise BadAddressError(
                    f"This machine does not have the address {address} now.",
                    "The others know it by that address. Give it back (ip address), then repeat.",
                ) from error
            raise PortTakenError(
                f"Port {port} ({purpose}) cannot be used: {_holder(port) or error.strerror}.", hint
            ) from error


def _holder(port: int) -> str:
    try:
        printed = shell.run(["ss", "-Hltnp", f"sport = :{port}"])
    except AdminError:
        return ""
    match = re.search(r'\(\("([^"]+)",pid=(\d+)', printed)
    return f"{match[1]} (process {match[2]}) uses it" if match else ""
