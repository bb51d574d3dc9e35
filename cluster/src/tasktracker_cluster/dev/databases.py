"""PostgreSQL for a development session: made ready by the script that the cluster uses, too."""

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
PREPARE = Path("nomad/jobs/postgres/prepare.sh")
# The socket is in a folder that its user alone can open, so that a connection there is the
# superuser's: outside the cluster no system user of that name need exist.
HBA = """local all postgres              trust
local all all                   reject
host  all postgres all          reject
host  all all      127.0.0.1/32 scram-sha-256
"""


def prepare(site: Site) -> None:
    """Create what is missing, and bring roles and passwords in line.

    Raises MissingProgramError without PostgreSQL 15, CommandError with what it said.
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
    # Copies: the system user postgres need not be able to read the checkout.
    files.write(folder / "prepare.sh", (site.checkout / PREPARE).read_text())
    files.write(folder / "pg_hba.conf", HBA)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    variables = {
        "PGBIN": str(BIN),
        "DATA": str(folder / "data"),
        "SOCKETS": str(folder / "run"),
        "HBA": str(folder / "pg_hba.conf"),
        "DATABASE": database.database,
    }
    for role in ROLES:
        variables[role.upper()] = database.role(role)
        variables[f"{role.upper()}_PASSWORD"] = environment.password(site, database, role)
    shell.run([*_as_postgres(), "sh", folder / "prepare.sh"], cwd=folder, env=variables)


def _as_postgres() -> list[str | Path]:
    """PostgreSQL refuses to run as root: then it runs as its own system user."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
