"""Migrations on a real PostgreSQL, also several at once."""

import socket
import threading
import time
from pathlib import Path

import psycopg2
import pytest

from servicekit import migrate
from servicekit.testing.plugin import MakeDatabase
from servicekit.testing.waiting import eventually


def tables(url: str) -> set[str]:
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {row[0] for row in cursor}
    connection.close()
    return found


def wait_for_the_lock(url: str) -> None:
    """Wait until a migration has asked for the lock, which another session holds."""
    asking = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s"
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:

        def is_asked_for() -> bool:
            cursor.execute(asking, ["SELECT pg_try_advisory_lock(%"])
            return cursor.fetchall() == [(1,)]

        eventually(is_asked_for, 60)
    connection.close()


EVERYTHING = {"alembic_version", "table_one", "table_two"}


def test_empty_database_gets_every_table(make_database: MakeDatabase, migrations: Path) -> None:
    url = make_database("migrate")
    migrate.upgrade(url, migrations)
    assert tables(url) == EVERYTHING


def test_second_run_changes_nothing(make_database: MakeDatabase, migrations: Path) -> None:
    url = make_database("migrate")
    migrate.upgrade(url, migrations)
    migrate.upgrade(url, migrations)
    assert tables(url) == EVERYTHING


def test_failed_revision_leaves_the_database_as_it_was(
    make_database: MakeDatabase, migrations: Path
) -> None:
    url = make_database("migrate")
    revision = migrations / "versions" / "two.py"
    revision.write_text(revision.read_text().replace("CREATE TABLE", "CREATE NONSENSE"))
    with pytest.raises(Exception, match="NONSENSE"):
        migrate.upgrade(url, migrations)
    assert tables(url) == set()


def test_migration_waits_for_the_one_that_holds_the_lock(
    make_database: MakeDatabase, migrations: Path
) -> None:
    url = make_database("migrate")
    holder = psycopg2.connect(url)
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [migrate.LOCK])
    waiting = threading.Thread(target=migrate.upgrade, args=(url, migrations))
    waiting.start()
    wait_for_the_lock(url)
    assert waiting.is_alive()
    assert tables(url) == set()
    holder.close()
    waiting.join(60)
    assert tables(url) == EVERYTHING


def test_two_migrations_at_once_both_end_well(
    make_database: MakeDatabase, migrations: Path
) -> None:
    url = make_database("migrate")
    both = [threading.Thread(target=migrate.upgrade, args=(url, migrations)) for _ in range(2)]
    # Alembic keeps its context in module globals, so within one process the lock alone decides.
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert tables(url) == EVERYTHING


def test_migration_that_waits_holds_no_concurrent_index_up(
    make_database: MakeDatabase, migrations: Path
) -> None:
    url = make_database("migrate")
    migrate.upgrade(url, migrations)
    holder = psycopg2.connect(url, options="-c statement_timeout=10000")
    holder.autocommit = True
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [migrate.LOCK])
        waiting = threading.Thread(target=migrate.upgrade, args=(url, migrations))
        waiting.start()
        wait_for_the_lock(url)
        cursor.execute("CREATE INDEX CONCURRENTLY ON table_one (id)")
    holder.close()
    waiting.join(60)
    assert not waiting.is_alive()


def test_database_that_stays_away_is_one_clear_error(migrations: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(migrate.DatabaseUnreachableError, match=r"not reachable for 0\.5 s"):
        migrate.upgrade(f"postgresql://u@127.0.0.1:{port}/d", migrations, wait_seconds=0.5)
    assert 0.5 <= time.monotonic() - start < 60
