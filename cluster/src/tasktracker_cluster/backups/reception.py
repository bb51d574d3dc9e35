"""What a restore to the end of the log would miss: changes of a live database not received yet."""

from contextlib import suppress

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, CommandError, NotReadyError
from tasktracker_cluster.jobs import numbers, postgres, switchover
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.site import Site

LIMIT_SECONDS = 30  # the receiver reports every ten
KIB = 2**10
PRESENT = "SELECT pg_current_wal_lsn()"
RECEIVED = "SELECT write_lsn FROM pg_stat_replication WHERE application_name = 'barman_receive_wal'"


def led_elsewhere(cluster: Cluster, database: str) -> str:
    """Say that a member of another machine leads, else nothing: only it knows what is missing.

    Without an answer of Consul, or without a leader, nothing is known of it.
    """
    try:
        leader = switchover.leader(cluster.consul, database)
        if leader in ("", numbers.member(cluster)):
            return ""
        place = numbers.machine(cluster.consul, leader) or "another machine"
    except ApiError:
        return ""
    return f"{leader} leads {database}, on {place}: how much of its log is received is not known."


def missing(site: Site, database: str) -> str:
    """Wait until the present log is received. Return in words what is missing, else nothing.

    Of a database that does not answer nothing is known to be missing.
    """
    try:
        position = _number(_ask(site, database, PRESENT))
        with suppress(NotReadyError):
            wait.until("the log", lambda: _behind(site, database, position) == 0, LIMIT_SECONDS)
            return ""
        behind = _behind(site, database, position)
    except CommandError:
        return ""
    if behind is None:
        return f"Nobody receives the log of {database}: its last changes are in no backup."
    return f"{-(-behind // KIB)} KiB of the log of {database} are in no backup yet."


def _behind(site: Site, database: str, position: int) -> int | None:
    """Return how many bytes before a position are not received yet; None: nobody receives."""
    received = _ask(site, database, RECEIVED)
    return max(0, position - _number(received)) if received else None


def _number(position: str) -> int:
    """Return the bytes before a position as PostgreSQL writes it: two hexadecimal halves."""
    high, _, low = position.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _ask(site: Site, database: str, statement: str) -> str:
    return shell.run(postgres.query(site, database, statement)).strip()
