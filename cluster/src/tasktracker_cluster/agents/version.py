"""The version of the cluster's own programs: machines of one cluster must have the same."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

# What a machine takes from its own checkout. Services come from the cluster.
FOLDERS = ("cluster/src", "consul", "nomad", "pages", "tools")


def of(checkout: Path) -> str:
    """Return the version of a checkout: 12 hexadecimal digits of SHA-256 over these folders."""
    sha = hashlib.sha256()
    for path in _sources(checkout):
        sha.update(bytes(path.relative_to(checkout)) + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()[:12]


def _sources(checkout: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((checkout / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
