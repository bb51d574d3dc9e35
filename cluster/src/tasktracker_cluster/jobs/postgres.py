"""Commands for the databases, run beside their server: over its Unix socket, through no port."""

from tasktracker_cluster import topology
from tasktracker_cluster.site import Site

BIN = "/usr/lib/postgresql/15/bin"
PATIENCE_SECONDS = 5


def is_ready(site: Site, database: str) -> list[str]:
    """Ask whether the server of `database` (user-db, task-db) takes connections."""
    socket = f"--host={_sockets(site, database)}"
    return [*_as_superuser(database), f"{BIN}/pg_isready", socket, f"--timeout={PATIENCE_SECONDS}"]


def query(site: Site, database: str, statement: str) -> list[str]:
    """Run one statement as PostgreSQL's superuser, and print bare values."""
    return [
        *_as_superuser(database),
        *psql(site, database),
        *("--no-align", "--tuples-only", "--command", statement),
    ]


def psql(site: Site, database: str) -> list[str]:
    """psql on the database itself; to be run by the system user of the database."""
    return [
        *(f"{BIN}/psql", "--no-psqlrc", "--username=postgres"),
        *(f"--host={_sockets(site, database)}", f"--dbname={topology.database(database).database}"),
    ]


def _as_superuser(database: str) -> tuple[str, ...]:
    return "runuser", "-u", topology.database(database).user, "--"


def _sockets(site: Site, database: str) -> str:
    return str(site.volume(database) / "run")
