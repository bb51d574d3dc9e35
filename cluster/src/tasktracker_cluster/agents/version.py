"""The version of the cluster's own programs: machines of one cluster must have the same."""

from pathlib import Path

from tasktracker_cluster.machine import files

# What a machine takes from its own checkout. Services come from the cluster.
FOLDERS = ("cluster/src", "consul", "nomad", "pages", "tools")


def of(checkout: Path) -> str:
    """Return the version of a checkout: the digest of these folders."""
    found = (path for folder in FOLDERS for path in files.sources(checkout / folder))
    return files.digest(checkout, found)
