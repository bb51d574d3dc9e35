"""How much of a live database's log is received: a restore to its end would miss the rest.

The member that leads is asked, on whatever machine it is: only it knows.
"""

from contextlib import suppress

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, ApiError, NotReadyError
from tasktracker_cluster.jobs import numbers, replication
from tasktracker_cluster.machine import wait

LIMIT_SECONDS = 90  # the receiver reports every ten, and may just follow another leader
ANSWER_SECONDS = 10
KIB = 2**10
PRESENT = "pg_current_wal_lsn()"

_BEHIND = """\
SELECT pg_wal_lsn_diff({position}, write_lsn)::bigint
FROM pg_stat_replication WHERE application_name = 'barman_receive_wal'
"""


def missing(cluster: Cluster, database: str) -> str:
    """Wait until the present log is received. Return in words what is missing, else nothing.

    Of a database of this machine that does not answer nothing is known to be missing. A leader on
    another machine that does not answer may have more than is received.
    """
    try:
        position = f"'{_ask(cluster, database, f'SELECT {PRESENT}')}'"
        with suppress(NotReadyError):
            wait.until("the log", lambda: behind(cluster, database, position) == 0, LIMIT_SECONDS)
            return ""
        rest = behind(cluster, database, position)
    except AdminError:
        return silent_elsewhere(cluster, database)
    if rest is None:
        return f"Nobody receives the log of {database}: its last changes are in no backup."
    return f"{-(-rest // KIB)} KiB of the log of {database} are in no backup yet."


def behind(cluster: Cluster, database: str, position: str = PRESENT) -> int | None:
    """Return how many bytes of the log before a position are not received; None: nobody receives.

    `position` is an expression of SQL. The receiver reports every ten seconds. Raises AdminError
    when the database does not answer.
    """
    printed = _ask(cluster, database, _BEHIND.format(position=position))
    return max(0, int(printed)) if printed else None


def silent_elsewhere(cluster: Cluster, database: str) -> str:
    """Say that the leader, which does not answer, is on another machine; else nothing."""
    leader = replication.led_elsewhere(cluster, database)
    if not leader:
        return ""
    with suppress(ApiError):
        place = numbers.machine(cluster.consul, leader) or "another machine"
        return (
            f"{leader} leads {database}, on {place}, and does not answer: how much of its log is "
            "received is not known."
        )
    return ""


def _ask(cluster: Cluster, database: str, statement: str) -> str:
    return replication.query(cluster, database, statement, ANSWER_SECONDS).strip()
