"""Sidecars of this machine that an earlier version has placed."""

from contextlib import suppress
from pathlib import Path

from tasktracker_cluster.site import Site

_BOOTSTRAP = "connect-proxy-*/secrets/envoy_bootstrap.json"


def with_an_authority(site: Site) -> set[str]:
    """Return the allocations whose sidecar asks Consul for a certificate, and so never reaches it.

    Until 0075 Consul showed one to them. Those that have ended are among them until Nomad deletes
    their folders. A start of Nomad writes the files of those that run again, which then hide it.
    """
    folders = (site.home / "nomad" / "alloc").glob("*")
    return {folder.name for folder in folders if _has_an_authority(folder)}


def _has_an_authority(allocation: Path) -> bool:
    with suppress(FileNotFoundError):  # Nomad deletes the folder at this moment
        return any("trusted_ca" in file.read_text() for file in allocation.glob(_BOOTSTRAP))
    return False
