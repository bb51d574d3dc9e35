"""Restoring a database beside the live one: from a base backup and the log that follows it.

A server recovers in the repository, as its user and behind its wall, and is stopped again. What
is left is a data folder that needs nothing of the repository any more.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tasktracker_cluster import topology
from tasktracker_cluster.backups import leftovers, repository, timelines
from tasktracker_cluster.backups.repository import Backup
from tasktracker_cluster.errors import (
    BadTimeError,
    CommandError,
    DamagedBackupError,
    NoBackupError,
    RestoreFailedError,
)
from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP_USER

LONGEST_SECONDS = 24 * 3600  # of a recovery, which reads the log of a day
STOPPING_SECONDS = 300
LOG = "server"
_NOT_REACHED = "recovery ended before configured recovery target was reached"
_LIST = "List the backups: ./just backup list"

COUNTS = (
    "SELECT relname, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM "
    "%I.%I', schemaname, relname), false, true, '')))[1] FROM pg_stat_user_tables ORDER BY 1"
)

# The same text of a row on every server, whatever its settings are.
PLAIN = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'"
SUMS = (
    "SELECT relname, (xpath('/row/n/text()', x))[1], (xpath('/row/s/text()', x))[1] FROM (SELECT "
    "relname, query_to_xml(format('SELECT count(*) AS n, coalesce(sum(hashtextextended(t::text, "
    "0)::numeric), 0) AS s FROM %I.%I AS t', schemaname, relname), false, true, '') AS x "
    "FROM pg_stat_user_tables) AS sums ORDER BY 1"
)

# Barman gives an incomplete segment of its archive as it is, compressed. What is not, gzip copies.
_SETTINGS = """\
listen_addresses = ''
port = 5432
unix_socket_directories = '{room}'
hba_file = '{room}/pg_hba.conf'
ident_file = '{room}/pg_ident.conf'
dynamic_shared_memory_type = sysv
shared_buffers = 64MB
synchronous_standby_names = ''
log_min_messages = log
restore_command = '{get_wal} %f > "%p" && /bin/gzip -dcf < "%p" > "%p.plain" && mv "%p.plain" "%p"'
recovery_target_action = promote
"""


@dataclass(frozen=True)
class Sum:
    """The content of a table: how many rows, and a checksum of them in any order."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class Restored:
    """A restored database: its data folder, and how many rows each of its tables has.

    `last_commit` is the time of the last change in it, as PostgreSQL writes it. `sums` has the
    content of each table, if it was restored to a point.
    """

    database: str
    backup: Backup
    folder: Path
    rows: dict[str, int]
    last_commit: str
    sums: dict[str, Sum] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """Where a recovery ends: at a time, or at the named point of a drill; else at the end."""

    time: datetime | None = None
    point: str = ""


def fitting(site: Site, database: str, to: datetime | None) -> list[Backup]:
    """Return the backups that a restore to this time can start from, the newest first.

    Raises BadTimeError for a time in the future or before the first backup, NoBackupError.
    """
    repository.must_be_on(site)
    if to is not None and to > datetime.now(UTC):
        raise BadTimeError(f"{to:%Y-%m-%d %H:%M:%S %Z} is in the future.", "Give an earlier time.")
    known = repository.backups(site, database)
    if not known:
        raise NoBackupError(f"There is no backup of {database} yet.", "Make one: ./just backup now")
    found = [each for each in known if to is None or each.end <= to]
    if not found:
        first = known[-1].end.astimezone()
        raise BadTimeError(
            f"The first backup of {database} is complete only since {first:%Y-%m-%d %H:%M:%S %Z}.",
            "Give that time or a later one.",
        )
    return found


def choose(site: Site, steps: Steps, backups: Sequence[Backup]) -> Backup:
    """Return the first backup with the right checksums. Raises DamagedBackupError if none has."""
    damaged: list[DamagedBackupError] = []
    for each in backups:
        with suppress(DamagedBackupError), steps.step(f"checksums of the backup {each.name}"):
            try:
                verify(site, each)
            except DamagedBackupError as error:
                damaged.append(error)
                raise
            return each
    raise damaged[0]


@contextmanager
def restored(
    site: Site,
    steps: Steps,
    database: str,
    to: datetime | None,
    point: str = "",
    backups: Sequence[Backup] = (),
) -> Iterator[Restored]:
    """Restore a database to a time, or to its last known change, in a folder of the repository.

    With a `point` it is restored to the point of this name in its log, from one of `backups`, which
    must be older, and checksums are computed, in a room of their own. What is still there at the
    end of the block is deleted, as is what an interrupted restore left. Raises what `fitting` and
    `choose` do, NoSpaceError, and RestoreFailedError.
    """
    backup = choose(site, steps, backups or fitting(site, database, to))
    room = site.repository / ("drilling" if point else "restoring") / database
    _clear(site, room)
    repository.must_have_space(site.repository, backup.size, "a restore")
    try:
        with steps.step("copy"):
            repository.run(site, "/bin/mkdir", "--parents", str(room))
            source, copy = str(backup.folder(site)), str(room / "data")
            repository.run(site, "/bin/cp", "--archive", "--reflink=auto", source, copy)
        with steps.step("recovery") as step:
            last_commit, printed = _recover(site, room, backup, Target(to, point))
            step.detail = f"last change: {last_commit}"
        _make_plain(site, room)
        found = sums(printed) if point else {}
        rows = {table: each.rows for table, each in found.items()} or counts(printed)
        yield Restored(database, backup, room / "data", rows, last_commit, found)
    finally:
        _clear(site, room)


def verify(site: Site, backup: Backup) -> None:
    """Compare the files of a backup with its checksums. Raises DamagedBackupError."""
    folder = str(backup.folder(site))
    try:
        # The log is in an archive of its own.
        repository.run(site, f"{postgres.BIN}/pg_verifybackup", "--no-parse-wal", folder)
    except CommandError as error:
        raise DamagedBackupError(
            f"The backup {backup.name} of {backup.database} is damaged.",
            f"Restore to a time of another backup. {_LIST}",
            error.evidence,
        ) from None


def live_counts(site: Site, database: str) -> dict[str, int] | None:
    """Return how many rows each table of the live database has; None when it does not answer."""
    with suppress(CommandError):
        return counts(shell.run(postgres.query(site, database, COUNTS)))
    return None


def counts(printed: str) -> dict[str, int]:
    """Parse what psql prints for COUNTS."""
    pairs = (line.rsplit("|", 1) for line in printed.splitlines() if "|" in line)
    return {table: int(rows) for table, rows in pairs}


def sums(printed: str) -> dict[str, Sum]:
    """Parse what psql prints for SUMS, with other lines around it."""
    rows = (line.rsplit("|", 2) for line in printed.splitlines() if line.count("|") >= 2)
    return {table: Sum(int(count), checksum) for table, count, checksum in rows}


def _recover(site: Site, room: Path, backup: Backup, target: Target) -> tuple[str, str]:
    """Let a server recover. Return the time of the last change, and what it says of its tables."""
    files = {
        "pg_hba.conf": "local all postgres peer map=superuser\n",
        "pg_ident.conf": f"superuser {BACKUP_USER} postgres\n",
        "data/recovery.signal": "",
    }
    for name, text in files.items():
        _write(site, room / name, text)
    repository.run(site, "/bin/mv", str(_auto_conf(room)), str(room / "auto.conf"))
    timeline = timelines.leading_to(site, backup.database, target.time)
    _write(site, _auto_conf(room), settings(site, room, backup.database, target, timeline))
    try:
        printed = _ask(site, room, backup.database, target)
    except RestoreFailedError as error:
        if target.time is None or not any(_NOT_REACHED in line for line in error.evidence):
            raise
        if not repository.is_unbroken(site, backup):
            raise RestoreFailedError(
                "The log is not complete up to that time.",
                f"Give a time before its last change ({_last_change(room)}), or one after the end "
                f"of a later backup. {_LIST}",
            ) from None
        # Nothing was written after that time, so the end of the log has the same state.
        text = settings(site, room, backup.database, Target(), timeline)
        _write(site, _auto_conf(room), text)
        printed = _ask(site, room, backup.database, target)
    return _last_change(room), printed


def _last_change(room: Path) -> str:
    times = [
        line.partition("at log time ")[2]
        for line in _log(room).read_text(errors="replace").splitlines()
        if "last completed transaction was at log time " in line
    ]
    return times[-1] if times else "none after the backup"


def _ask(site: Site, room: Path, database: str, target: Target) -> str:
    """Run a server until it has recovered, and return what it prints of its tables."""
    name = topology.database(database).database
    with _server(site, room) as server:

        def has_recovered() -> bool:
            if server.poll() is not None:
                raise RestoreFailedError(
                    "The recovery failed.",
                    f"Restore to another time, or from another backup. {_LIST}",
                    shell.tail(_log(room)),
                )
            with suppress(CommandError):  # it does not take connections yet
                return _psql(site, room, name, "SELECT pg_is_in_recovery()").strip() == "f"
            return False

        wait.until("the recovery", has_recovered, LONGEST_SECONDS)
        return _psql(site, room, name, f"{PLAIN}; {SUMS}" if target.point else COUNTS)


@contextmanager
def _server(site: Site, room: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run PostgreSQL on a restored folder during the block, and shut it down cleanly.

    Raises RestoreFailedError when that takes too long.
    """
    command = [f"{postgres.BIN}/postgres", "-D", str(room / "data")]
    server = subprocess.Popen(
        [*repository.wall(site), f"--log={room / LOG}", "--", *command],
        cwd="/",
        env={**os.environ, **repository.ENVIRONMENT},
        stdin=subprocess.DEVNULL,
    )
    try:
        yield server
        server.send_signal(signal.SIGINT)
        server.wait(STOPPING_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise RestoreFailedError(
            f"The restored database did not stop within {STOPPING_SECONDS} s.",
            "The disk of the backups may be slow. Try again later.",
            shell.tail(_log(room)),
        ) from error
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGQUIT)
            server.wait()


def settings(site: Site, room: Path, database: str, target: Target, timeline: str) -> str:
    """Return PostgreSQL's settings for a recovery in `room` along a timeline."""
    get_wal = " ".join(repository.barman(site, "get-wal", "--partial", database))
    text = _SETTINGS.format(room=room, get_wal=get_wal)
    if target.time:
        text += f"recovery_target_time = '{target.time.astimezone(UTC).isoformat(' ')}'\n"
    if target.point:
        text += f"recovery_target_name = '{target.point}'\n"
    return f"{text}recovery_target_timeline = {timeline}\n"


def _psql(site: Site, room: Path, database: str, statement: str) -> str:
    connection = (f"--host={room}", "--username=postgres", f"--dbname={database}")
    words = ("--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--command", statement)
    return repository.run(site, f"{postgres.BIN}/psql", *connection, *words)


def _clear(site: Site, room: Path) -> None:
    leftovers.end(room / "data", BACKUP_USER)
    repository.run(site, "/bin/rm", "--recursive", "--force", str(room))


def _make_plain(site: Site, room: Path) -> None:
    """Remove what only the recovery needed from the data folder."""
    repository.run(site, "/bin/mv", str(room / "auto.conf"), str(_auto_conf(room)))
    files: Sequence[str] = ("backup_manifest", "backup_label.old", "tablespace_map.old")
    paths = [str(room / "data" / name) for name in files]
    repository.run(site, "/bin/rm", "--force", *paths)


def _log(room: Path) -> Path:
    return room / f"{LOG}.stderr.0"


def _auto_conf(room: Path) -> Path:
    return room / "data" / "postgresql.auto.conf"


def _write(site: Site, file: Path, text: str) -> None:
    repository.run(site, "/bin/sh", "-c", 'printf %s "$1" >"$2"', "sh", text, str(file))
