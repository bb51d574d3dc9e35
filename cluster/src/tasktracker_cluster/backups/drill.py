"""A drill: the newest backup is restored beside the live database, and both are compared.

Both have to have the same content while the live one goes on. So the drill marks a point in its log
at which nobody writes, and computes the checksums of the state of that moment.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from tasktracker_cluster.backups import ages, reception, recovery, repository
from tasktracker_cluster.backups.recovery import Sum
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import (
    AdminError,
    CommandError,
    DamagedBackupError,
    NoBackupError,
    RestoreFailedError,
)
from tasktracker_cluster.jobs import replication
from tasktracker_cluster.machine import files, waiting_lock
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site

LONGEST_AGE = timedelta(days=8)  # one is held each week
MARK_SECONDS = 600  # for the checksums on another machine, which may vanish meanwhile

# The oldest first: a writer changes a table before those that its triggers fill. In another order
# many writers would make every attempt fail.
_TABLES = "SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables ORDER BY relid"

# A lock on all tables waits for the end of their writers. The first query after it fixes the state
# that the others see. Then the lock is given up: writers wait for milliseconds. The locks are taken
# one after another, so a writer may have one and wait for another. Before PostgreSQL ends the
# writer for that (after 1 s), it ends the drill's attempt, and the drill tries again. Autovacuum
# gives way at that moment, too. The message at the end has the point written to the disk.
_ATTEMPTS = 10
PAUSE_SECONDS = 2  # in which writers go on, and a disk that stands still may recover
_REFUSED = ("lock timeout", "deadlock detected")  # in PostgreSQL's words
_MARK = """\
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL lock_timeout = '500ms';
SET LOCAL deadlock_timeout = '100ms';
{plain};
SAVEPOINT quiet;
LOCK TABLE {tables} IN SHARE MODE;
SELECT pg_create_restore_point('{point}');
ROLLBACK TO SAVEPOINT quiet;
{sums};
SELECT pg_logical_emit_message(true, 'tasktracker', 'drill');
COMMIT;
"""


@dataclass(frozen=True)
class Drill:
    """The last drill that went well: when (ISO 8601), and how many rows were alike."""

    at: str
    rows: int


@dataclass(frozen=True)
class Health:
    """The age of the last good drill, None without one, and what is wrong, empty if nothing is."""

    age: timedelta | None
    fault: str

    @property
    def told(self) -> str:
        """The age in words."""
        return "no drill yet" if self.age is None else f"{ages.told(self.age)} ago"


def hold(cluster: Cluster, steps: Steps, databases: list[str]) -> None:
    """Restore the newest backup of each database for a trial, and compare all rows.

    One at a time: this waits. A restore may go on beside it.

    Raises DamagedBackupError when they differ, NoBackupError without one since the log began anew,
    RestoreFailedError, what recovery.restored does, and CommandError when a database does not
    answer.
    """
    site = cluster.site
    with waiting_lock.held(site.backup / ".drilling"):
        try:
            rows = sum(_compare(cluster, steps, each) for each in databases)
        except AdminError as error:
            files.write(site.drill_fault, f"{error.message.rstrip('.')}\n")
            raise
        drill = Drill(datetime.now(UTC).isoformat(), rows)
        files.write(site.drilled_file, json.dumps(asdict(drill)) + "\n")
        site.drill_fault.unlink(missing_ok=True)


def last(site: Site) -> Drill | None:
    """Return the last drill that went well; None: there is none."""
    try:
        return Drill(**json.loads(site.drilled_file.read_text()))
    except FileNotFoundError:
        return None


def health(site: Site) -> Health:
    """Return the health of the drills."""
    known = last(site)
    age = datetime.now(UTC) - datetime.fromisoformat(known.at) if known else None
    if site.drill_fault.exists():
        return Health(age, f"the last drill failed: {site.drill_fault.read_text().strip()}")
    if age is None:
        return Health(None, "no drill yet" if _is_overdue(site) else "")
    return Health(age, "the last drill is too old" if age > LONGEST_AGE else "")


def _is_overdue(site: Site) -> bool:
    """Return whether backups are on for so long that one should have been held."""
    conf = site.barman_conf
    if not conf.exists():
        return False
    return datetime.now(UTC) - datetime.fromtimestamp(conf.stat().st_mtime, UTC) > LONGEST_AGE


def _compare(cluster: Cluster, steps: Steps, database: str) -> int:
    """Restore one database for a trial, and return how many rows are alike."""
    point = f"drill-{secrets.token_hex(4)}"
    # One that ends after the point does not have it in its log, nor has one from before a hole.
    known = recovery.fitting(cluster.site, database, None)
    backups = [each for each in known if repository.is_unbroken(cluster.site, each)]
    if not backups:
        raise NoBackupError(
            f"There is no backup of {database} since its log began anew.",
            "Make one: ./just backup now",
        )
    with steps.step(f"checksums of {database}"):
        live = _mark(cluster, database, point)
        if missing := reception.missing(cluster, database):
            raise RestoreFailedError(missing, "Look closer: ./just doctor")
    with recovery.restored(cluster.site, steps, database, None, point, backups) as restored:
        different = sorted(
            table
            for table in live.keys() | restored.sums.keys()
            if live.get(table) != restored.sums.get(table)
        )
    if different:
        raise DamagedBackupError(
            f"The restored {database} has other rows in {', '.join(different)}.",
            f"Make another backup, and look at the disk of this one: {restored.backup.name}",
        )
    return sum(each.rows for each in live.values())


def _mark(cluster: Cluster, database: str, point: str) -> dict[str, Sum]:
    """Mark a point in the log of a live database, and return the content of all tables there."""
    try:
        tables = replication.query(cluster, database, _TABLES, MARK_SECONDS).split("\n")
        statement = _MARK.format(
            tables=", ".join(filter(None, tables)),
            point=point,
            plain=recovery.PLAIN.replace("SET ", "SET LOCAL "),
            sums=recovery.SUMS,
        )
        mark = partial(replication.query, cluster, database, statement, MARK_SECONDS)
        return recovery.sums(run_when_quiet(mark))
    except AdminError as error:
        raise CommandError(
            f"The state of {database} could not be read.",
            "It does not answer, or one of its writers is slow. Try again later.",
            error.evidence,
        ) from None


def run_when_quiet(ask: Callable[[], str]) -> str:
    """Ask something that locks tables, up to ten times while it waits for too long.

    Return the answer. Raises CommandError, and what else `ask` does.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return ask()
        except CommandError as error:
            if not any(words in line for line in error.evidence for words in _REFUSED):
                raise
        time.sleep(PAUSE_SECONDS)
    return ask()
