"""The hops of the machine: state folder, files of secrets, certificates, disk."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path as File

from tasktracker_cluster.agents import certificates, ownership
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor.hops import Hop, Path
from tasktracker_cluster.doctor.repairs import UP
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.site import Site

DUE_DAYS = 30  # before a certificate's end
NEEDED_BYTES = 2**29  # PostgreSQL stops when it cannot write


def path(cluster: Cluster) -> Path:
    """Return the conditions on the machine without which nothing works."""
    site = cluster.site
    hops = (
        Hop("state folder", lambda: _state_folder(site)),
        Hop("secrets' files", lambda: _secrets(cluster)),
        Hop("certificates", lambda: _certificates(site)),
        Hop("disk", lambda: _disk(site)),
    )
    return Path("machine", hops, shared=True)


def _state_folder(site: Site) -> str:
    if ownership.owner(site) is None:
        raise BrokenHopError(f"there is no cluster in {site.home}", UP)
    return str(site.home)


def _secrets(cluster: Cluster) -> str:
    files = list(_secret_files(cluster.site))
    for file in files:
        mode = file.stat().st_mode & 0o777
        if mode != 0o600:
            raise BrokenHopError(f"{file} has mode {mode:04o}, not 0600", f"chmod 600 {file}")
    _ = cluster.tokens  # raises StaleStateError when one is missing
    return f"{len(files)} files, each of mode 0600"


def _secret_files(site: Site) -> Iterator[File]:
    yield from sorted(site.secrets.glob("*"))
    yield from sorted(
        file for name in ("node", "first") for file in site.agent.glob(f"*/{name}.hcl")
    )
    yield from sorted((*site.pages.glob("*"), *site.store.glob("*")))


def _certificates(site: Site) -> str:
    ends = {file: certificates.expiry(file) for file in sorted(site.secrets.glob("*.pem"))}
    if not ends:
        raise BrokenHopError("there are none", UP)
    file = min(ends, key=lambda each: ends[each])
    first = f"{file.name} is valid until {ends[file]:%Y-%m-%d}"
    if ends[file] - datetime.now(UTC) < timedelta(days=DUE_DAYS):
        raise BrokenHopError(first, UP)  # `up` renews it
    return f"{len(ends)}: {first}, the others longer"


def _disk(site: Site) -> str:
    free = shutil.disk_usage(site.home).free
    detail = f"{free / 2**30:.1f} GiB free in {site.home}"
    if free < NEEDED_BYTES:
        raise BrokenHopError(f"{detail}; half a GiB is needed", f"du -xh {site.home} | sort -h")
    return detail
