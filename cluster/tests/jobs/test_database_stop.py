"""nomad/jobs/postgres/stop.sh on real servers: none runs on, and no write is left in doubt."""

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2.extensions import connection

from servicekit.testing import postgres as server
from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.machine import wait

SCRIPT = Path(__file__).parents[3] / "nomad/jobs/postgres/stop.sh"
WRITERS = 8
LIMIT_SECONDS = 120
# On a busy machine a commit may take longer than a switchover should.
PATIENT = {"LOCK_LIMIT": f"{LIMIT_SECONDS}s", "LIMIT": str(LIMIT_SECONDS)}
VACUUMS = """
    SELECT pid FROM pg_stat_progress_vacuum JOIN pg_stat_activity USING (pid)
    WHERE relid = 'notes'::regclass AND backend_type = 'autovacuum worker'
"""


def connect(url: str) -> connection:
    session = psycopg2.connect(f"{url}/postgres")
    session.autocommit = True
    return session


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    with closing(connect(url)) as session, session.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def running() -> Iterator[str]:
    """Run a server with a table."""
    with server.running() as url:
        ask(url, "CREATE TABLE notes (n bigserial PRIMARY KEY, writer integer)")
        yield url


def stop(url: str, **variables: str) -> int:
    """Run the script, as the user of the server. Return its status."""
    return run(url, **variables).returncode


def run(url: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script, as the user of the server. Its errors are in `stderr`."""
    folder = str(ask(url, "SHOW data_directory")[0][0])
    known = {**environment(url, folder), **variables}
    return subprocess.run(as_its_user(), env=known, check=False, text=True, stderr=subprocess.PIPE)


def as_its_user() -> list[str | Path]:
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    return [*(user if os.geteuid() == 0 else []), "/bin/sh", SCRIPT]


def environment(url: str, folder: str) -> dict[str, str]:
    return {
        **os.environ,
        **{"PGBIN": postgres.BIN, "DATA": folder, "DATABASE": "postgres"},
        **{"SOCKETS": "127.0.0.1", "PGPORT": str(urlsplit(url).port)},
    }


def runs(url: str) -> bool:
    try:
        connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True


def write_until_refused(url: str, writer: int) -> int:
    """Write until the server ends, and return how many writes were acknowledged."""
    acknowledged = 0
    with closing(connect(url)) as session, session.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
        try:
            while True:
                cursor.execute("INSERT INTO notes (writer) VALUES (%s)", [writer])
                acknowledged += 1
        except psycopg2.OperationalError:
            return acknowledged


def written(url: str) -> dict[object, object]:
    rows = ask(url, "SELECT writer, count(*) FROM notes GROUP BY writer")
    return {writer: number for writer, number in rows}  # noqa: C416 - dict() wants pairs


def test_what_is_not_acknowledged_is_not_stored() -> None:
    """All the time some commits wait for the standby. The server's own stop would not answer."""
    with running() as primary, server.standby(primary) as standby:
        ask(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        ask(primary, "SELECT pg_reload_conf()")
        with ThreadPoolExecutor(WRITERS) as threads:
            writing = [threads.submit(write_until_refused, primary, n) for n in range(WRITERS)]
            wait.until("writes", lambda: len(written(primary)) == WRITERS, LIMIT_SECONDS)
            assert stop(primary, **PATIENT) == 0
            ended = [each.result(LIMIT_SECONDS) for each in writing]
        assert not runs(primary)
        wait.until("the log", lambda: written(standby) == dict(enumerate(ended)), LIMIT_SECONDS)


def vacuum_slowly(url: str) -> None:
    """Let autovacuum begin with the table, and take minutes."""
    settings = "autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0"
    pauses = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
    ask(url, f"ALTER TABLE notes SET ({settings}, {pauses})")
    ask(url, "INSERT INTO notes (writer) SELECT generate_series(1, 100000)")
    ask(url, "DELETE FROM notes")
    ask(url, "ALTER SYSTEM SET autovacuum_naptime = '1s'")
    # The server's own value must not be what ends it.
    ask(url, "ALTER SYSTEM SET deadlock_timeout = '1h'")
    ask(url, "SELECT pg_reload_conf()")
    wait.until("autovacuum", lambda: ask(url, VACUUMS) or None, LIMIT_SECONDS)


def test_a_running_autovacuum_does_not_keep_the_lock_away() -> None:
    with running() as url:
        vacuum_slowly(url)
        done = run(url, **PATIENT)
        assert done.stderr == "", "the lock was not taken"
        assert not runs(url)


def test_a_writer_that_takes_too_long_is_not_waited_for() -> None:
    with running() as url, closing(connect(url)) as session:
        session.autocommit = False
        with session.cursor() as cursor:
            cursor.execute("INSERT INTO notes (writer) VALUES (1)")
            assert stop(url) == 0
            with pytest.raises(psycopg2.OperationalError):
                cursor.execute("SELECT 1")
        assert not runs(url)


def test_a_standby_is_left_to_patroni() -> None:
    with running() as primary, server.standby(primary) as standby:
        assert stop(standby) == 0
        assert runs(standby)


def test_it_gives_up_a_server_that_hangs() -> None:
    with running() as url:
        folder = str(ask(url, "SHOW data_directory")[0][0])
        pid = int((Path(folder) / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGSTOP)
        try:
            done = subprocess.run(as_its_user(), env=environment(url, folder), check=False)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert done.returncode == 124, "the status of `timeout`"
