"""The cluster's own tokens and keys, generated once and stored in files of mode 0600."""

import base64
import secrets
import uuid
from dataclasses import dataclass, fields
from pathlib import Path

from tasktracker_cluster.errors import NotReadyError, NotRootError, StaleStateError
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site


@dataclass(frozen=True, repr=False)
class Tokens:
    """Secret ids in the form of Consul and Nomad: each is a UUID.

    A machine that has joined has no management tokens: they are empty there.
    """

    consul_management: str
    consul_agent: str
    consul_nomad: str
    nomad_management: str


def path(site: Site, name: str) -> Path:
    """Return the file of the token `name`, a field of Tokens."""
    return site.secrets / f"{name.replace('_', '-')}.token"


def load(site: Site) -> Tokens:
    """Read the tokens.

    Raises NotReadyError without a cluster, StaleStateError when one is missing, and NotRootError
    when one cannot be read.
    """
    try:
        names = [field.name for field in fields(Tokens)]
        mine = names if site.node.is_first else ["consul_agent", "consul_nomad"]
        texts = {name: path(site, name).read_text().strip() for name in mine}
        return Tokens(**{**dict.fromkeys(names, ""), **texts})
    except FileNotFoundError as error:
        if not site.owner_file.exists():
            raise NotReadyError(
                f"There is no cluster in {site.home}.", "Start one with: ./just up"
            ) from error
        raise StaleStateError(
            f"{site.home} has no {Path(str(error.filename)).name}: its cluster cannot be reached.",
            "Restore the file from a backup, or delete everything with: ./just destroy",
        ) from error
    except PermissionError as error:
        raise NotRootError(
            "Only root may read the cluster's tokens.", "Run the command with sudo."
        ) from error


def create(site: Site) -> None:
    """Make the tokens that a new state folder does not have yet.

    None is made when the agents have data already: the data belong to the earlier tokens.
    """
    if (site.home / "consul" / "raft").exists():
        return
    site.secrets.mkdir(mode=0o700, exist_ok=True)
    for field in fields(Tokens):
        if not path(site, field.name).exists():
            files.write(path(site, field.name), f"{uuid.uuid4()}\n", mode=0o600)


def gossip_key(site: Site, agent: str) -> str:
    """Return the key that encrypts an agent's gossip: 32 bytes in base64. Make it if missing.

    An agent without this key cannot join the others.
    """
    return _key(site.secrets / f"{agent}-gossip.key")


def set_gossip_key(site: Site, agent: str, key: str) -> None:
    """Write the key that encrypts an agent's gossip."""
    files.write(site.secrets / f"{agent}-gossip.key", f"{key}\n", mode=0o600)


def next_gossip_key(site: Site, agent: str) -> str:
    """Return the key that a rotation introduces. It is kept until the rotation has ended."""
    return _key(_next(site, agent))


def forget_next_gossip_key(site: Site, agent: str) -> None:
    """Delete the file of the key that a rotation introduced: the rotation has ended."""
    _next(site, agent).unlink(missing_ok=True)


def _next(site: Site, agent: str) -> Path:
    return site.secrets / f"{agent}-gossip.next"


def _key(file: Path) -> str:
    if not file.exists():
        files.write(file, f"{base64.b64encode(secrets.token_bytes(32)).decode()}\n", mode=0o600)
    return file.read_text().strip()
