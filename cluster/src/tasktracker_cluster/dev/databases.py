"""PostgreSQL for a development session, prepared by the same script as in the cluster."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasktracker_cluster.dev import environment
from tasktracker_cluster.errors import MissingProgramError
from tasktracker_cluster.machine import files, shell
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES, ROLES, Database

BIN = Path("/usr/lib/postgresql/15/bin")
SCRIPTS = Path("nomad/jobs/postgres")
# Only its user can open the folder of the socket, so every connection there is the superuser's
# (`trust`). `peer` would need a system user of that name, which need not exist outside the cluster.
HBA = """local all postgres              trust
local all all                   reject
host  all postgres all          reject
host  all all      127.0.0.1/32 scram-sha-256
"""


def prepare(site: Site) -> None:
    """Create the databases that are missing, and update their roles and passwords.

    Raises MissingProgramError when PostgreSQL 15 is missing, CommandError with its last lines.
    """
    if not (BIN / "postgres").exists():
        raise MissingProgramError(
            "PostgreSQL 15 is not installed.", "On Debian: sudo apt-get install postgresql-15"
        )
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(_prepare, site, database) for database in DATABASES]:
            done.result()


def command(site: Site, database: Database) -> list[str | Path]:
    """Return the command that runs the database."""
    folder = site.volume(database.name)
    return [
        *_as_postgres(), BIN / "postgres", "-D", folder / "data", "-p", str(database.dev_port),
        "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder / 'run'}",
    ]  # fmt: skip


def _prepare(site: Site, database: Database) -> None:
    folder = site.volume(database.name)
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    # These are copies, because the system user postgres may not be able to read the checkout.
    for name in ("prepare.sh", "roles.sh", "logging.conf"):
        files.write(folder / name, (site.checkout / SCRIPTS / name).read_text())
    files.write(folder / "pg_hba.conf", HBA)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    variables = {
        "PGBIN": str(BIN),
        "DATA": str(folder / "data"),
        "SOCKETS": str(folder / "run"),
        "HBA": str(folder / "pg_hba.conf"),
        "LOGGING": str(folder / "logging.conf"),
        "SCRIPTS": str(folder),
        "DATABASE": database.database,
    }
    for role in ROLES:
        variables[role.upper()] = database.role(role)
        variables[f"{role.upper()}_PASSWORD"] = environment.password(site, database, role)
    shell.run([*_as_postgres(), "sh", folder / "prepare.sh"], cwd=folder, env=variables)


def _as_postgres() -> list[str | Path]:
    """Return the start of a command: root must run it as postgres, which refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
