"""What `up` prepares on the machine itself: system users, folders, the node's own address."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from tasktracker_cluster.agents import pages
from tasktracker_cluster.jobs import traefik
from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import Site

DATABASES = ("user-db", "task-db")

# One for each program of each job: two tasks of one user could reach each other. A database's user
# has the database's name, a sidecar's ends in -envoy. Names have at most 32 characters.
USERS = (
    "tasktracker-portal",
    "tasktracker-portal-envoy",
    "tasktracker-stats",
    "tasktracker-stats-envoy",
    "tasktracker-task",
    "tasktracker-task-db",
    "tasktracker-task-db-envoy",
    "tasktracker-task-envoy",
    "tasktracker-traefik",
    "tasktracker-user",
    "tasktracker-user-db",
    "tasktracker-user-db-envoy",
    "tasktracker-user-envoy",
)

USERADD = (
    *("/usr/sbin/useradd", "--system", "--user-group", "--no-create-home"),
    *("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"),
)

# Link-local, on a bridge without ports: reachable from every allocation, the same on every network.
# (A bridge needs no kernel module beyond those that Nomad's own networking needs.)
NODE_INTERFACE = "tasktracker0"
NODE_ADDRESS = "169.254.1.1/32"
ALLOCATIONS_INTERFACE = "tasktracker1"  # made by Nomad (nomad/agent/single.hcl)


def create_users() -> None:
    """Make the system users that are missing: without home, shell or password."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in (*USERS, pages.USER):
        if name not in known:
            shell.run([*USERADD, name])


def create_folders(site: Site) -> None:
    """Make the state folder and what is in it, and close what is there already.

    What only root needs is closed before anything is in it: Nomad and Consul do not close their own
    files. Tasks have what they need of it open when they start (tools/wall).
    """
    for folder in (site.home, site.bin, site.releases, site.home / "volumes"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    for private in (site.agent, site.secrets, site.home / "consul", site.home / "nomad",
                    site.logs, site.run):  # fmt: skip
        private.mkdir(exist_ok=True, mode=0o700)
        os.chown(private, 0, 0)
        private.chmod(0o700)
    # Read by one user, and written by root alone: nobody can lead root astray in them.
    for folder, user in ((pages.folder(site), pages.USER), (traefik.folder(site), traefik.USER)):
        folder.mkdir(exist_ok=True, mode=0o700)
        shutil.chown(folder, "root", user)
        folder.chmod(0o750)
    for database in DATABASES:
        if not site.volume(database).exists():
            site.volume(database).mkdir(mode=0o700)
            shutil.chown(site.volume(database), database_user(database), database_user(database))


def database_user(database: str) -> str:
    """The system user that the database runs as, and whom all its files belong to."""
    return f"tasktracker-{database}"


def of_other_users(site: Site) -> list[str]:
    """The databases whose files belong to another user: in a state folder of an earlier version."""
    wanted = {name: pwd.getpwnam(database_user(name)).pw_uid for name in DATABASES}
    return [name for name, uid in wanted.items() if site.volume(name).stat().st_uid != uid]


def take_over(site: Site, database: str) -> None:
    """Give a database's files to its user. The database must not run."""
    user = database_user(database)
    shell.run(["chown", "--recursive", "--no-dereference", f"{user}:{user}", site.volume(database)])


def create_address() -> None:
    """Make the node's interface and address."""
    if not _has_link(NODE_INTERFACE):
        shell.run(["ip", "link", "add", NODE_INTERFACE, "type", "bridge"])
    shell.run(["ip", "address", "replace", NODE_ADDRESS, "dev", NODE_INTERFACE])
    shell.run(["ip", "link", "set", NODE_INTERFACE, "up"])


def remove_interfaces() -> None:
    """Remove what `create_address` and Nomad made."""
    for name in (NODE_INTERFACE, ALLOCATIONS_INTERFACE):
        if _has_link(name):
            shell.run(["ip", "link", "delete", name])


def unmount_below(folder: Path) -> None:
    """Unmount what Nomad mounted: each task's secrets are a file system of their own, in memory."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted(mounts, key=len, reverse=True):
        if mount.startswith(f"{folder}/"):
            shell.run(["umount", mount])


def _has_link(name: str) -> bool:
    # Asked of the kernel, not of /sys, which shows the namespace that it was mounted in.
    command = ["ip", "link", "show", "dev", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
