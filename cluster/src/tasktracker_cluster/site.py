"""The checkout, the state folder, and the addresses of this machine's cluster."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasktracker_cluster import topology
from tasktracker_cluster.errors import (
    BadAddressError,
    BadHomeError,
    BadInstancesError,
    MissingProgramError,
)
from tasktracker_cluster.node import Node

DEFAULT_HOME = Path("/var/lib/tasktracker")

# The agents' APIs require a certificate of the agents' authority: the tools have one.
CONSUL_URL = f"https://127.0.0.1:{topology.CONSUL_API_PORT}"
NOMAD_URL = f"https://127.0.0.1:{topology.NOMAD_API_PORT}"

# Everything below is on loopback, too, with any value of TASKTRACKER_BIND.
CONSUL_PAGE = f"http://127.0.0.1:{topology.CONSUL_PAGE_PORT}"  # what a browser opens (pages.py)
NOMAD_PAGE = f"http://127.0.0.1:{topology.NOMAD_PAGE_PORT}"
GATEWAY_URL = f"http://127.0.0.1:{topology.GATEWAY_PORT}"
TRAEFIK_URL = f"http://127.0.0.1:{topology.DASHBOARD_PORT}"  # its API and dashboard
METRICS_URL = f"http://127.0.0.1:{topology.METRICS_PORT}"  # after `observe`, as the next one
ALERTS_URL = f"http://127.0.0.1:{topology.ALERTS_PORT}"
LOGS_URL = f"http://127.0.0.1:{topology.LOGS_PORT}"
TRACES_URL = f"http://127.0.0.1:{topology.TRACES_PORT}"


@dataclass(frozen=True)
class Site:
    """One cluster: its state folder (`home`), its checkout, and the address it listens on.

    `instances` is how many instances `up` runs of each service; None: as many as its nodes suggest.
    """

    home: Path
    checkout: Path
    bind: str = "127.0.0.1"
    instances: int | None = None

    @classmethod
    def from_environment(cls) -> "Site":
        """Read TASKTRACKER_HOME, TASKTRACKER_BIND and TASKTRACKER_INSTANCES, and find the checkout.

        Raises BadAddressError when TASKTRACKER_BIND has another value than the two addresses,
        BadHomeError when TASKTRACKER_HOME is a file or below one, BadInstancesError when
        TASKTRACKER_INSTANCES is not a number from 1 to 9, and MissingProgramError when this program
        was not installed from a checkout.
        """
        bind = os.environ.get("TASKTRACKER_BIND", "127.0.0.1")
        if bind not in ("127.0.0.1", "0.0.0.0"):  # noqa: S104  # nosec B104 - compared, not bound
            raise BadAddressError(
                f"TASKTRACKER_BIND is {bind!r}.",
                "Set it to 127.0.0.1 (this machine only) "
                "or 0.0.0.0 (every address of this machine).",
            )
        home = Path(os.environ.get("TASKTRACKER_HOME", DEFAULT_HOME)).absolute()
        with suppress(PermissionError):  # a command that reads the folder says more
            first = next(each for each in (home, *home.parents) if each.exists())
            if not first.is_dir():
                raise BadHomeError(f"{first} is not a folder.", "Set TASKTRACKER_HOME to a folder.")
        return cls(home, _find_checkout(), bind, _instances())

    @property
    def node_file(self) -> Path:
        """The facts of this machine as a node."""
        return self.home / "node.json"

    @property
    def node(self) -> Node:
        """The facts of `node_file`. Raises StaleStateError when it is damaged."""
        return Node.load(self.node_file)

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @property
    def agent(self) -> Path:
        """Rendered configuration of the agents and of their supervisor."""
        return self.home / "agent"

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def releases(self) -> Path:
        return self.home / "releases"

    @property
    def artifacts(self) -> Path:
        """The files that releases are installed from, named after their SHA-256."""
        return self.home / "artifacts"

    @property
    def store(self) -> Path:
        """The files of the store of artifacts: its certificate."""
        return self.home / "store"

    @property
    def release(self) -> Path:
        """The newest release: a virtual environment."""
        return self.releases / "current"

    @property
    def pages(self) -> Path:
        """The files of the proxy before the agents' pages."""
        return self.home / "pages"

    @property
    def consul_api(self) -> Path:
        """The sockets of Consul's API for the sidecars of the databases, one in each folder."""
        return self.home / "consul-api"

    @property
    def agent_metrics(self) -> Path:
        """The folder of the socket at which the proxy before the pages answers with metrics."""
        return self.home / "agent-metrics"

    @property
    def log_links(self) -> Path:
        """The links to every log, which the collector of logs reads."""
        return self.volume("log-links")

    @property
    def backup(self) -> Path:
        """The folder of backups. It has Barman's settings where backups are on."""
        return self.home / "backup"

    @property
    def barman_conf(self) -> Path:
        return self.backup / "barman.conf"

    @property
    def repository(self) -> Path:
        """The backups: a folder, or a link to one on another disk."""
        return self.backup / "repository"

    @property
    def copies_file(self) -> Path:
        """The place of the copies of the repository, where they are made."""
        return self.backup / "copies.json"

    @property
    def copied_file(self) -> Path:
        """What is known of the last good copy. The file is as old as what was copied."""
        return self.backup / "copied.json"

    @property
    def copies_fault(self) -> Path:
        """Why the last copy failed. Without the file it did not."""
        return self.backup / "copies.fault"

    @property
    def drilled_file(self) -> Path:
        """What is known of the last drill that went well."""
        return self.backup / "drilled.json"

    @property
    def drill_fault(self) -> Path:
        """Why the last drill failed. Without the file it did not."""
        return self.backup / "drill.fault"

    @property
    def copies_key(self) -> Path:
        """The key that the copies are encrypted with."""
        return self.secrets / "copies.key"

    def volume(self, name: str) -> Path:
        return self.home / "volumes" / name

    @property
    def rebuilding_file(self) -> Path:
        """The file that is there while `rebuild` restores the databases."""
        return self.home / "rebuilding"

    @property
    def owner_file(self) -> Path:
        """The file that names the checkout of this cluster, and marks the folder as ours."""
        return self.home / "owner.json"


def _instances() -> int | None:
    given = os.environ.get("TASKTRACKER_INSTANCES", "")
    if given and not re.fullmatch("[1-9]", given):
        raise BadInstancesError(
            f"TASKTRACKER_INSTANCES is {given!r}.",
            "Set it to a number from 1 to 9, or leave it out.",
        )
    return int(given) if given else None


def _find_checkout() -> Path:
    # The package is installed editable: its own file lies in the checkout.
    for folder in Path(__file__).resolve().parents:
        if (folder / "justfile").exists() and (folder / "nomad" / "jobs").is_dir():
            return folder
    raise MissingProgramError(
        "The admin commands work from a checkout of TaskTracker, and this program is not in one.",
        "Clone the repository and use its ./just.",
    )
