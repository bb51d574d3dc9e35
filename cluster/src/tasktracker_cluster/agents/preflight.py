"""What must hold before `up` touches anything."""

import fcntl
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.errors import (
    AdminError,
    BadHomeError,
    BusyError,
    NoSpaceError,
    NotRootError,
    OwnedElsewhereError,
    PortTakenError,
    StaleStateError,
)
from tasktracker_cluster.machine import files, shell
from tasktracker_cluster.site import Site

# Ports on loopback, and who listens there.
PORTS = {
    4646: "Nomad's page",
    4647: "Nomad's servers",
    4648: "Nomad's gossip",
    4649: "Nomad's API",
    4650: "Nomad's public keys",
    8000: "the gateway",
    8005: "the gateway's error pages",
    8080: "Traefik's dashboard",
    8300: "Consul's servers",
    8301: "Consul's gossip",
    8500: "Consul's page",
    8501: "Consul's API",
    8503: "Envoy's configuration",
}

NEEDED_BYTES = 2 * 2**30

# Below the state folder, an allocation's socket for Consul has a name of 76 characters; the kernel
# takes 107.
LONGEST_HOME = 31


def must_be_root(command: str) -> None:
    """Raise NotRootError: bridge networks, system users and control groups need root."""
    if os.geteuid() != 0:
        raise NotRootError(f"`{command}` needs root.", f"Run it as: sudo ./just {command}")


def must_have_a_usable_home(site: Site) -> None:
    """Raise BadHomeError for a folder that the jobs' socket names or commands cannot hold."""
    name = str(site.home)
    if len(name) > LONGEST_HOME or not re.fullmatch(r"[\w./-]+", name):
        raise BadHomeError(
            f"The state folder {name} must have at most {LONGEST_HOME} characters, without spaces.",
            "Set TASKTRACKER_HOME to a shorter name.",
        )


@contextmanager
def alone(site: Site) -> Iterator[None]:
    """Hold the site's lock. Raises BusyError when another admin command is at work."""
    site.home.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (site.home / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"Another up, down or destroy is at work on {site.home}.", "Wait for it to end."
            ) from error
        yield


def owner(site: Site) -> Path | None:
    """The checkout that this cluster was last started from."""
    try:
        return Path(json.loads(site.owner_file.read_text())["checkout"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StaleStateError(
            f"{site.owner_file} is damaged.", f"Delete that file if {site.home} is TaskTracker's."
        ) from error


def must_own(site: Site) -> None:
    """Raise OwnedElsewhereError when another checkout runs the cluster."""
    other = owner(site)
    if other in (None, site.checkout) or not other.exists():
        return
    if supervisor.is_running(site):
        raise OwnedElsewhereError(
            f"The running cluster belongs to the checkout {other}.",
            f"Work there, or stop it first: {other}/just down",
        )


def take_ownership(site: Site) -> None:
    """Note that this checkout runs the cluster from now on.

    Raises StaleStateError for a folder that holds something else.
    """
    if owner(site) is None:
        strangers = {p.name for p in site.home.iterdir()} - {".lock"}
        if strangers:
            some = ", ".join(sorted(strangers)[:5])
            raise StaleStateError(
                f"{site.home} holds files that are not TaskTracker's: {some}.",
                "Empty it, or set TASKTRACKER_HOME to a folder of its own.",
            )
    files.write(site.owner_file, json.dumps({"checkout": str(site.checkout)}) + "\n")


def must_have_space(site: Site) -> None:
    """Raise NoSpaceError below two gibibytes on the state folder's file system."""
    free = shutil.disk_usage(site.home).free
    if free < NEEDED_BYTES:
        raise NoSpaceError(
            f"{site.home} has {free / 2**30:.1f} GiB of free space; two are needed.",
            "Free some, or set TASKTRACKER_HOME to a folder on a larger disk.",
        )


def must_have_ports(site: Site) -> None:
    """Raise PortTakenError, naming who has it, unless the ports are free."""
    for port, purpose in PORTS.items():
        address = site.bind if port in (4646, 8000, 8080, 8500) else "127.0.0.1"
        must_be_free(address, port, purpose, "Stop that program, then run: ./just up")


def must_be_free(address: str, port: int, purpose: str, hint: str) -> None:
    """Raise PortTakenError, naming who has it, unless the port is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise PortTakenError(
                f"Port {port} ({purpose}) cannot be used: {_holder(port) or error.strerror}.", hint
            ) from error


def _holder(port: int) -> str:
    try:
        printed = shell.run(["ss", "-Hltnp", f"sport = :{port}"])
    except AdminError:
        return ""
    match = re.search(r'\(\("([^"]+)",pid=(\d+)', printed)
    return f"{match[1]} (process {match[2]}) has it" if match else ""
