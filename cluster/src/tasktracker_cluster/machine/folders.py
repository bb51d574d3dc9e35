"""The state folder, and the permissions in it."""

import os
import shutil
from pathlib import Path

from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import (
    COLLECTOR_USER,
    DATABASES,
    PAGES_USER,
    SCRAPER_USER,
    STORE_USER,
)


def create(site: Site) -> None:
    """Make the state folder and its folders, and correct the permissions of existing ones.

    Folders that only root needs are closed before they contain a file: Nomad and Consul do not
    close their own files. Tasks get the files that they need when they start (tools/wall).
    """
    for folder in (site.home, site.bin, site.artifacts, site.releases, site.home / "volumes"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    for private in (site.agent, site.secrets, site.home / "consul", site.home / "nomad",
                    site.logs, site.run):  # fmt: skip
        private.mkdir(exist_ok=True, mode=0o700)
        os.chown(private, 0, 0)
        private.chmod(0o700)
    # Only root writes in them, and one user reads: no other user can plant a link there for root.
    for folder, user in ((site.pages, PAGES_USER), (site.store, STORE_USER)):
        folder.mkdir(exist_ok=True, mode=0o700)
        shutil.chown(folder, "root", user)
        folder.chmod(0o750)
    _create_consul_api(site)
    # The proxy before the pages makes its socket here, and one task may enter.
    site.agent_metrics.mkdir(exist_ok=True, mode=0o700)
    shutil.chown(site.agent_metrics, PAGES_USER, SCRAPER_USER)
    site.agent_metrics.chmod(0o710)
    for database in DATABASES:
        create_volume(site, database.name, database.user)


def _create_consul_api(site: Site) -> None:
    """Make the folder of each database's socket of Consul, which only its sidecar can enter."""
    site.consul_api.mkdir(exist_ok=True, mode=0o711)
    site.consul_api.chmod(0o711)
    for database in DATABASES:
        folder = site.consul_api / database.name
        folder.mkdir(exist_ok=True, mode=0o710)
        shutil.chown(folder, "root", f"{database.user}-envoy")
        folder.chmod(0o710)


def create_volume(site: Site, name: str, user: str) -> None:
    """Make the folder of a job's data, which only its system user can enter."""
    volume = site.volume(name)
    if not volume.exists():
        volume.mkdir(mode=0o700)
        shutil.chown(volume, user, user)


def create_log_links(site: Site) -> None:
    """Make the folder of the links to logs: root writes in it, and the collector reads."""
    site.log_links.mkdir(exist_ok=True, mode=0o700)
    shutil.chown(site.log_links, "root", COLLECTOR_USER)
    site.log_links.chmod(0o750)


def delete_log_links(site: Site) -> None:
    """Delete the links to logs. Without them, a log's space is free when it is deleted."""
    shutil.rmtree(site.log_links, ignore_errors=True)


def unmount_below(folder: Path) -> None:
    """Unmount Nomad's mounts: each task's secrets are in a file system of their own, in memory."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted(mounts, key=len, reverse=True):
        if mount.startswith(f"{folder}/"):
            shell.run(["umount", mount])
