"""The distribution's packages: PostgreSQL, the CNI plugins, the network tools and restic."""

import shutil
from pathlib import Path

from tasktracker_cluster.errors import MissingProgramError
from tasktracker_cluster.machine import shell
from tasktracker_cluster.progress import Step

# A program (or file) that must exist, and the Debian package that contains it.
NEEDED = {
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
    "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "iptables": "iptables",
    "ip": "iproute2",
    "useradd": "passwd",
    "restic": "restic",
    "tini": "tini",
}

# Without this file Debian's package would start a database of its own on port 5432.
NO_MAIN_CLUSTER = Path("/etc/postgresql-common/createcluster.d/tasktracker.conf")


def missing() -> list[str]:
    """Return the names of the Debian packages that this machine still needs."""
    return [package for program, package in NEEDED.items() if not _present(program)]


def install(step: Step) -> None:
    """Install the missing packages with apt.

    Raises MissingProgramError when there is no apt, CommandError when apt fails.
    """
    packages = missing()
    if not packages:
        step.detail = "all there"
        return
    if shutil.which("apt-get") is None:
        raise MissingProgramError(
            f"This machine lacks {', '.join(packages)} and has no apt-get.",
            "Install them with the system's own package manager (PostgreSQL must be version 15).",
        )
    step.note(f"installing {', '.join(packages)}")
    if not NO_MAIN_CLUSTER.parent.exists():
        NO_MAIN_CLUSTER.parent.mkdir(parents=True)
        NO_MAIN_CLUSTER.write_text("create_main_cluster = false\n")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    shell.run(["apt-get", "update", "-q"], env=quiet)
    shell.run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=quiet)
    step.detail = ", ".join(packages)


def _present(program: str) -> bool:
    if program.startswith("/"):
        return Path(program).exists()
    return shutil.which(program, path=shell.path()) is not None
