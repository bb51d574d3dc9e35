"""What a machine is as a node of a cluster: one file of its state folder says it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tasktracker_cluster.errors import StaleStateError


@dataclass(frozen=True)
class Node:
    """A machine of a cluster. Without a file it is a cluster of one machine, on loopback only.

    `address` is where the other machines reach it, empty on loopback. `first` is the address of
    the first machine, empty on that machine itself: only that one has the key of the authority and
    the management tokens. `peers` are the addresses that its agents join.
    """

    name: str = "node-1"
    address: str = ""
    is_server: bool = True
    first: str = ""
    peers: tuple[str, ...] = ()

    @classmethod
    def load(cls, file: Path) -> "Node":
        """Read the file. Raises StaleStateError when it is damaged."""
        try:
            facts = json.loads(file.read_text())
            return cls(**{**facts, "peers": tuple(facts["peers"])})
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError) as error:
            raise StaleStateError(
                f"{file} is damaged.", "Restore it from a backup of this machine."
            ) from error

    @property
    def text(self) -> str:
        """The content of its file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @property
    def is_first(self) -> bool:
        """Whether it signs the certificates of the others."""
        return not self.first

    @property
    def first_address(self) -> str:
        """Where the other machines reach the first machine, empty on loopback."""
        return self.first or self.address

    @property
    def is_advertised(self) -> bool:
        """Whether other machines can reach its agents."""
        return bool(self.address)
