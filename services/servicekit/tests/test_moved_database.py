"""A database that moves to another server under both drivers: real servers, behind a gate."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, exc, text

from servicekit import database, patience
from servicekit.database import DatabaseUnavailableError
from servicekit.pool import ReadPool, Statement, WritePool
from servicekit.settings import DatabaseSettings
from servicekit.testing import postgres as server
from servicekit.testing.gate import Gate, gate
from servicekit.testing.plugin import MakeDatabase

pytestmark = pytest.mark.anyio

ADD = Statement.of(text("INSERT INTO notes VALUES (CAST(:n AS integer)) RETURNING n"))
PID = Statement.of(text("SELECT pg_backend_pid()"))
ASLEEP = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
READ_ONLY = "ALTER DATABASE {} SET default_transaction_read_only = {}"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    """Make a database with an empty table `notes`."""
    made = make_database("moved")
    ask(made, "CREATE TABLE notes (n integer PRIMARY KEY)")
    return made


@pytest.fixture
def way(url: str) -> Iterator[Gate]:
    with gate(url) as way:
        yield way


@pytest.fixture
async def writes(way: Gate) -> AsyncIterator[WritePool]:
    async with WritePool(settings(way.url)) as pool:
        yield pool


@pytest.fixture
def engine(way: Gate) -> Iterator[Engine]:
    engine = database.engine(settings(way.url))
    yield engine
    engine.dispose()


def settings(url: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=SecretStr(url), database_pool_size=3)


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement past the gate."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def notes(url: str) -> list[object]:
    return [n for (n,) in ask(url, "SELECT n FROM notes ORDER BY n")]


def insert(engine: Engine, number: int) -> None:
    with database.autocommit(engine).connect() as connection:
        connection.execute(text("INSERT INTO notes VALUES (:n)"), {"n": number})


async def close(way: Gate, pool: WritePool, target: str | None = None) -> None:
    """End all connections, lead new ones elsewhere, and wait until the pool has heard of it."""
    way.target = target
    way.cut()
    async with asyncio.timeout(10):
        while True:
            if pool._pool.get_size() == 0:
                return
            await asyncio.sleep(0.01)


async def refused_connections(way: Gate, number: int) -> None:
    """Wait until the gate has refused so many connections."""
    limit = way.seen + number
    async with asyncio.timeout(10):
        while True:
            if way.seen >= limit:
                return
            await asyncio.sleep(0.01)


async def test_a_write_waits_while_there_is_no_primary(
    writes: WritePool, way: Gate, url: str
) -> None:
    await writes.execute(ADD, {"n": 1})
    await close(way, writes)
    waiting = asyncio.create_task(writes.execute(ADD, {"n": 2}))
    await refused_connections(way, 3)
    assert not waiting.done()

    way.target = url

    await asyncio.wait_for(waiting, 10)
    assert notes(url) == [1, 2]


async def test_when_the_patience_has_ended_a_write_is_refused_at_once_until_there_is_a_primary(
    writes: WritePool, way: Gate, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes, "_patience", patience.Patience(0.2))
    await writes.execute(ADD, {"n": 1})
    await close(way, writes)
    with pytest.raises(DatabaseUnavailableError):
        await writes.execute(ADD, {"n": 2})
    before = way.seen
    with pytest.raises(DatabaseUnavailableError):
        await writes.execute(ADD, {"n": 2})
    assert way.seen == before + 1, "one attempt, and no wait"

    way.target = url

    await writes.execute(ADD, {"n": 3})
    assert notes(url) == [1, 3]


async def test_one_lost_connection_replaces_all_of_its_pool(way: Gate, url: str) -> None:
    """The others lead to the same server, which may hang or be gone."""
    async with ReadPool(settings(way.url)) as reads:
        await asyncio.gather(*(reads.fetch(PID, {}) for _ in range(3)))
        before = way.seen
        ((pid,),) = await reads.fetch(PID, {})
        asleep = Statement.of(
            text("SELECT pg_sleep(CASE WHEN pg_backend_pid() = :first THEN 60 ELSE 0 END)")
        )
        reading = asyncio.create_task(reads.fetch(asleep, {"first": pid}))
        await until_asleep(url)
        assert ask(url, f"SELECT pg_terminate_backend(pid) {ASLEEP}") == [(True,)]
        await asyncio.wait_for(reading, 10)
        await asyncio.gather(*(reads.fetch(PID, {}) for _ in range(3)))

        assert way.seen == before + 3


async def until_asleep(url: str) -> None:
    async with asyncio.timeout(10):
        while True:
            if ask(url, f"SELECT 1 {ASLEEP}"):
                return
            await asyncio.sleep(0.02)


async def test_a_write_that_a_stopping_server_refuses_is_done_once_on_the_next_connection(
    writes: WritePool, url: str
) -> None:
    """The server ends it before it is committed: repeating it is safe."""
    slowly = Statement.of(
        text("INSERT INTO notes SELECT CAST(:n AS integer) FROM (SELECT pg_sleep(0.7)) AS slept")
    )
    writing = asyncio.create_task(writes.execute(slowly, {"n": 1}))
    await until_asleep(url)

    assert ask(url, f"SELECT pg_terminate_backend(pid) {ASLEEP}") == [(True,)]

    await asyncio.wait_for(writing, 10)
    assert notes(url) == [1]


async def test_a_write_that_a_read_only_server_refuses_is_done_on_a_new_connection(
    writes: WritePool, url: str
) -> None:
    """So a demoted server answers on a connection that it has kept."""
    limit = Statement.of(text("SELECT set_config('default_transaction_read_only', 'on', false)"))
    await writes.execute(limit, {})

    await writes.execute(ADD, {"n": 1})

    assert notes(url) == [1]


async def test_a_read_only_server_that_stays_one_is_an_error(writes: WritePool, url: str) -> None:
    ask(url, READ_ONLY.format(url.rpartition("/")[2], "on"))

    with pytest.raises(DatabaseUnavailableError):
        await writes.execute(ADD, {"n": 1})


async def test_a_standby_answers_no_read_and_takes_the_writes_that_wait_when_it_is_promoted() -> (
    None
):
    with server.running() as primary:
        ask(f"{primary}/postgres", "CREATE TABLE notes (n integer PRIMARY KEY)")
        with server.standby(primary) as standby, gate(f"{primary}/postgres") as way:
            async with WritePool(settings(way.url)) as writes:
                await writes.execute(ADD, {"n": 1})
                await close(way, writes, f"{standby}/postgres")
                waiting = asyncio.create_task(writes.execute(ADD, {"n": 2}))
                await refused_connections(way, 2)
                assert not waiting.done()
                ask(f"{standby}/postgres", "SELECT pg_promote()")
                await asyncio.wait_for(waiting, 10)

            assert 2 in notes(f"{standby}/postgres")
            assert 2 not in notes(f"{primary}/postgres")


def test_a_query_in_a_thread_waits_while_there_is_no_primary(
    engine: Engine, way: Gate, url: str
) -> None:
    insert(engine, 1)
    way.target = None
    way.cut()
    before = way.seen
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(insert, engine, 2)
        while way.seen < before + 3 and not waiting.done():
            pass
        assert not waiting.done()
        way.target = url
        waiting.result(10)
    assert notes(url) == [1, 2]


def test_a_query_in_a_thread_gives_up_when_the_patience_has_ended(
    way: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "Patience", lambda: patience.Patience(0.2))
    engine = database.engine(settings(way.url))
    insert(engine, 1)
    way.target = None
    way.cut()

    for _ in range(2):
        with pytest.raises(exc.OperationalError):
            insert(engine, 2)
    engine.dispose()
