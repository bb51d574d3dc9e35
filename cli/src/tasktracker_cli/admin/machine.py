"""What `up` prepares on the machine itself: system users, folders, the node's own address."""

import grp
import pwd
import shutil
import subprocess
from pathlib import Path

from tasktracker_cli.admin import pages, shell, traefik
from tasktracker_cli.admin.site import Site

# raw_exec has no chroot: two jobs of one user could read each other's secrets.
USERS = (
    "tasktracker-envoy",
    "tasktracker-portal",
    "tasktracker-stats",
    "tasktracker-task",
    "tasktracker-traefik",
    "tasktracker-user",
)

# The group alone may enter Nomad's folder: sidecars' start-up files hold tokens there, and Nomad
# lets everybody read them. The services need nothing from it, so their users are no members.
GROUP = "tasktracker"
MEMBERS = ("postgres", "tasktracker-envoy", "tasktracker-traefik")

USERADD = (
    *("/usr/sbin/useradd", "--system", "--user-group", "--no-create-home"),
    *("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"),
)

DATABASES = ("user-db", "task-db")

# Link-local, on a bridge without ports: reachable from every allocation, the same on every network.
# (A bridge needs no kernel module beyond those that Nomad's own networking needs.)
NODE_INTERFACE = "tasktracker0"
NODE_ADDRESS = "169.254.1.1/32"
ALLOCATIONS_INTERFACE = "tasktracker1"  # made by Nomad (nomad/agent/single.hcl)


def create_users() -> None:
    """Make the system users that are missing: without home, shell or password."""
    if GROUP not in {entry.gr_name for entry in grp.getgrall()}:
        shell.run(["/usr/sbin/groupadd", "--system", GROUP])
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in (*USERS, pages.USER):
        if name not in known:
            shell.run([*USERADD, name])
    if set(grp.getgrnam(GROUP).gr_mem) != set(MEMBERS):
        shell.run(["/usr/bin/gpasswd", "--members", ",".join(MEMBERS), GROUP])


def create_folders(site: Site) -> None:
    """Make the state folder and what is in it; the databases' folders belong to PostgreSQL."""
    for folder in (site.home, site.bin, site.logs, site.run, site.releases, site.home / "volumes"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    for private in (site.agent, site.secrets, site.home / "consul"):
        private.mkdir(exist_ok=True, mode=0o700)
    for folder, user in (
        (pages.folder(site), pages.USER),
        (traefik.folder(site), traefik.USER),
    ):
        folder.mkdir(exist_ok=True, mode=0o700)
        shutil.chown(folder, user, user)
    nomad = site.home / "nomad"
    nomad.mkdir(exist_ok=True)
    shutil.chown(nomad, "root", GROUP)
    nomad.chmod(0o710)
    for database in DATABASES:
        site.volume(database).mkdir(exist_ok=True, mode=0o700)
        shutil.chown(site.volume(database), "postgres", "postgres")


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
