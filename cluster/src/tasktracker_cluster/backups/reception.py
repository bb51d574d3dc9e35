"""How much of a live database's log is received: a restore to its end would miss the rest."""

from contextlib import suppress

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import ApiError, CommandError, NotReadyError
from tasktracker_cluster.jobs import numbers, postgres, switchover
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.site import Site

LIMIT_SECONDS = 30  # the receiver reports every ten
KIB = 2**10
PRESENT = "pg_current_wal_lsn()"

_BEHIND = """\
SELECT pg_wal_lsn_diff({position}, write_lsn)::bigint
FROM pg_stat_replication WHERE application_name = 'barman_receive_wal'
"""


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
        position = f"'{_ask(site, database, f'SELECT {PRESENT}')}'"
        with suppress(NotReadyError):
            wait.until("the log", lambda: behind(site, database, position) == 0, LIMIT_SECONDS)
            return ""
        rest = behind(site, database, position)
    except CommandError:
        return ""
    if rest is None:
        return f"Nobody receives the log of {database}: its last changes are in no backup."
    return f"{-(-rest // KIB)} KiB of the log of {database} are in no backup yet."


def behind(site: Site, database: str, position: str = PRESENT) -> int | None:
    """Return how many bytes of the log before a position are not received; None: nobody receives.

    `position` is an expression of SQL. The receiver reports every ten seconds. Raises CommandError
    when the database does not answer.
    """
    printed = _ask(site, database, _BEHIND.format(position=position))
    return max(0, int(printed)) if printed else None


def is_replica(site: Site, database: str) -> bool:
    """Return whether this machine's member copies another one, which alone knows what is received.

    False also when it does not answer.
    """
    try:
        return _ask(site, database, "SELECT pg_is_in_recovery()") == "t"
    except CommandError:
        return False


def _ask(site: Site, database: str, statement: str) -> str:
    return shell.run(postgres.query(site, database, statement)).strip()
