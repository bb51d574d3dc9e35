"""Commands for the databases, over their server's Unix socket, without a port."""

import shlex
from collections.abc import Mapping

from tasktracker_cluster import topology
from tasktracker_cluster.site import Site

BIN = "/usr/lib/postgresql/15/bin"
ROLES = "nomad/jobs/postgres/roles.sh"
TIMEOUT_SECONDS = 5


def is_ready(site: Site, database: str) -> list[str]:
    """Return the command that checks whether the `database` of this job takes connections."""
    socket = f"--host={_sockets(site, database)}"
    return [*_as_superuser(database), f"{BIN}/pg_isready", socket, f"--timeout={TIMEOUT_SECONDS}"]


def query(site: Site, database: str, statement: str) -> list[str]:
    """Return the command that runs a statement as PostgreSQL's superuser and prints bare values."""
    return [*_as_superuser(database), *ask(site, database, statement)]


def ask(site: Site, database: str, statement: str) -> list[str]:
    """Return the same command, to be run by the system user of the database."""
    return [*psql(site, database), "--no-align", "--tuples-only", "--command", statement]


def roles(site: Site, database: str, items: Mapping[str, str]) -> str:
    """Return the script that gives roles their passwords, the items of the database's variable.

    It is to be run by the system user of the database. It waits for a standby.
    """
    known = topology.database(database)
    variables = {
        "PGBIN": BIN,
        "SOCKETS": _sockets(site, database),
        "DATABASE": known.database,
        "COMMIT": "on",
        **{role.upper(): known.role(role) for role in topology.ROLES},
        **{name.upper(): value for name, value in items.items()},
    }
    exports = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    return "".join(exports) + (site.checkout / ROLES).read_text()


def psql(site: Site, database: str) -> list[str]:
    """Return the command for psql, to be run by the system user of the database."""
    return [
        *(f"{BIN}/psql", "--no-psqlrc", "--username=postgres"),
        *(f"--host={_sockets(site, database)}", f"--dbname={topology.database(database).database}"),
    ]


def _as_superuser(database: str) -> tuple[str, ...]:
    return "runuser", "-u", topology.database(database).user, "--"


def _sockets(site: Site, database: str) -> str:
    return str(site.volume(database) / "run")
