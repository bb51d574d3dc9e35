"""The state folder, and who may read what in it."""

import os
import shutil
from pathlib import Path

from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES, GATEWAY_USER, PAGES_USER


def create(site: Site) -> None:
    """Make the state folder and what is in it, and close what is there already.

    What only root needs is closed before anything is in it: Nomad and Consul do not close their own
    files. Tasks get what they need of it when they start (tools/wall).
    """
    for folder in (site.home, site.bin, site.releases, site.home / "volumes"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    for private in (site.agent, site.secrets, site.home / "consul", site.home / "nomad",
                    site.logs, site.run):  # fmt: skip
        private.mkdir(exist_ok=True, mode=0o700)
        os.chown(private, 0, 0)
        private.chmod(0o700)
    # Read by one user, and written by root alone: nobody can lead root astray in them.
    for folder, user in ((site.pages, PAGES_USER), (site.traefik, GATEWAY_USER)):
        folder.mkdir(exist_ok=True, mode=0o700)
        shutil.chown(folder, "root", user)
        folder.chmod(0o750)
    for database in DATABASES:
        volume = site.volume(database.name)
        if not volume.exists():
            volume.mkdir(mode=0o700)
            shutil.chown(volume, database.user, database.user)


def unmount_below(folder: Path) -> None:
    """Unmount what Nomad mounted: each task's secrets are a file system of their own, in memory."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted(mounts, key=len, reverse=True):
        if mount.startswith(f"{folder}/"):
            shell.run(["umount", mount])
