"""The pools for reads and writes, on a real PostgreSQL that restarts, hangs and refuses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import String, bindparam, create_engine, literal, make_url, select, text
from sqlalchemy.pool import NullPool

from servicekit import pool as pools
from servicekit.database import DatabaseUnavailableError
from servicekit.pool import ReadPool, Statement, WritePool
from servicekit.settings import DatabaseSettings, psycopg2_url
from servicekit.testing.gate import gate
from servicekit.testing.plugin import MakeDatabase

pytestmark = pytest.mark.anyio
PID = Statement.of(text("SELECT pg_backend_pid()"))
SLEEP = Statement.of(text("SELECT pg_sleep(60)"))
SLEEPERS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event = 'PgSleep'"
)
KILL = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    return make_database("reads")


@pytest.fixture
async def pool(url: str) -> AsyncIterator[ReadPool]:
    async with ReadPool(_settings(url)) as pool:
        yield pool


@pytest.fixture
async def writes(url: str) -> AsyncIterator[WritePool]:
    """Yield a pool, in a database with an empty table `notes`."""
    async with WritePool(_settings(url)) as pool:
        await pool.execute(Statement.of(text("CREATE TABLE notes (n integer PRIMARY KEY)")), {})
        yield pool


def _settings(url: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=SecretStr(url), database_pool_size=2)


def _kill(url: str) -> None:
    """End all other connections to the database."""
    with create_engine(psycopg2_url(url), poolclass=NullPool).connect() as killer:
        killer.execute(KILL)


async def test_rows_come_with_the_values_in(pool: ReadPool) -> None:
    written = text("SELECT n, CAST(:word AS text) AS word FROM generate_series(:first, 2) n")

    rows = await pool.fetch(Statement.of(written), {"first": 1, "word": "a"})

    assert [tuple(row) for row in rows] == [(1, "a"), (2, "a")]


async def test_a_read_leaves_no_transaction_open(pool: ReadPool) -> None:
    same_transaction_same_time = Statement.of(text("SELECT now()"))
    first = await pool.fetch(same_transaction_same_time, {})

    assert await pool.fetch(same_transaction_same_time, {}) != first


async def test_times_are_in_utc_and_a_statement_is_limited(pool: ReadPool) -> None:
    settings = text("SELECT current_setting('timezone'), current_setting('statement_timeout')")

    assert [tuple(row) for row in await pool.fetch(Statement.of(settings), {})] == [("UTC", "10s")]


async def test_connections_are_kept(pool: ReadPool) -> None:
    assert await pool.fetch(PID, {}) == await pool.fetch(PID, {})


async def test_more_reads_than_connections_wait_for_their_turn(pool: ReadPool) -> None:
    answers = await asyncio.gather(*(pool.fetch(PID, {}) for _ in range(20)))

    assert len({rows[0][0] for rows in answers}) == 2


async def test_a_restarted_database_costs_no_failed_read(pool: ReadPool, url: str) -> None:
    before = await asyncio.gather(pool.fetch(PID, {}), pool.fetch(PID, {}))
    _kill(url)

    for _ in range(3):
        assert await pool.fetch(PID, {}) not in before


async def test_a_read_under_way_when_the_database_restarts_is_asked_again(
    pool: ReadPool, url: str
) -> None:
    asleep = text("SELECT pg_sleep(CASE WHEN pg_backend_pid() = :first THEN 60 ELSE 0 END)")
    ((first,),) = await pool.fetch(PID, {})
    reading = asyncio.create_task(pool.fetch(Statement.of(asleep), {"first": first}))
    await _sleepers(url, 1)

    _kill(url)

    assert len(await asyncio.wait_for(reading, 10)) == 1


async def _sleepers(url: str, number: int) -> None:
    """Wait until this number of statements sleep."""
    engine = create_engine(psycopg2_url(url), poolclass=NullPool)
    async with asyncio.timeout(10):
        while True:
            with engine.connect() as connection:
                if connection.scalar(SLEEPERS) == number:
                    return
            await asyncio.sleep(0.02)


async def test_a_caller_who_gives_up_leaves_a_pool_that_works(pool: ReadPool, url: str) -> None:
    sleeping = [asyncio.create_task(pool.fetch(SLEEP, {})) for _ in range(2)]
    await _sleepers(url, 2)
    for each in sleeping:
        each.cancel()
    await asyncio.gather(*sleeping, return_exceptions=True)

    assert len(await asyncio.wait_for(pool.fetch(PID, {}), 10)) == 1


async def test_a_read_that_takes_too_long_is_the_databases_fault(url: str) -> None:
    async with ReadPool(_settings(url)) as pool:
        await pool.fetch(
            Statement.of(text("SELECT set_config('statement_timeout', '50', false)")), {}
        )
        with pytest.raises(DatabaseUnavailableError):
            await pool.fetch(SLEEP, {})


async def test_an_error_of_the_statement_is_not_asked_again(pool: ReadPool) -> None:
    with pytest.raises(asyncpg.UndefinedColumnError):
        await pool.fetch(Statement.of(text("SELECT nothing")), {})


async def test_a_database_that_is_away_or_not_there_is_an_error(url: str) -> None:
    for wrong in (url + "_gone", "postgresql://postgres@127.0.0.1:1/reads"):
        async with ReadPool(_settings(wrong)) as pool:
            with pytest.raises(DatabaseUnavailableError):
                await pool.fetch(PID, {})


ADD = Statement.of(text("INSERT INTO notes VALUES (CAST(:n AS integer)) RETURNING n"))
ADD_SLOWLY = Statement.of(
    text("INSERT INTO notes SELECT CAST(:n AS integer) FROM (SELECT pg_sleep(60)) AS slept")
)


async def _notes(writes: WritePool) -> list[int]:
    rows = await writes.execute(Statement.of(text("SELECT n FROM notes ORDER BY n")), {})
    return [row["n"] for row in rows]


async def test_a_write_is_committed_when_it_returns(writes: WritePool, url: str) -> None:
    assert [row["n"] for row in await writes.execute(ADD, {"n": 1})] == [1]

    with create_engine(psycopg2_url(url), poolclass=NullPool).connect() as other:
        assert other.scalars(text("SELECT n FROM notes")).all() == [1]


async def test_a_statement_keeps_the_values_that_are_written_in_it(pool: ReadPool) -> None:
    statement = Statement.of(select(literal("a"), bindparam("given", type_=String)))

    assert [tuple(row) for row in await pool.fetch(statement, {"given": "b"})] == [("a", "b")]


async def test_a_migration_that_changes_what_a_prepared_write_returns_costs_no_failed_write(
    writes: WritePool, url: str
) -> None:
    await writes.execute(ADD, {"n": 1})
    with create_engine(psycopg2_url(url), poolclass=NullPool).begin() as migration:
        migration.execute(text("ALTER TABLE notes ALTER n TYPE bigint"))

    await writes.execute(ADD, {"n": 2})

    assert await _notes(writes) == [1, 2]


async def test_a_restarted_database_costs_no_failed_write(writes: WritePool, url: str) -> None:
    before = await asyncio.gather(writes.execute(PID, {}), writes.execute(PID, {}))
    _kill(url)
    await _heard_of(writes)

    for n in range(3):
        await writes.execute(ADD, {"n": n})
        assert await writes.execute(PID, {}) not in before
    assert await _notes(writes) == [0, 1, 2]


async def _heard_of(writes: WritePool) -> None:
    """Wait until the event loop knows that all connections are closed."""
    async with asyncio.timeout(10):
        while True:
            if writes._pool.get_size() == 0:
                return
            await asyncio.sleep(0.02)


async def test_a_write_on_a_connection_that_the_database_has_ended_but_not_closed_is_done_once(
    writes: WritePool, url: str
) -> None:
    """It was not sent there, so another connection may do it."""
    async with _closing_late(url) as proxy, WritePool(_settings(proxy.url)) as moving:
        before = await moving.execute(PID, {})
        _kill(url)
        await asyncio.wait_for(proxy.ended.wait(), 10)

        await moving.execute(ADD, {"n": 1})
        assert await moving.execute(PID, {}) != before
        proxy.closes.set()
    assert await _notes(writes) == [1]


async def test_a_read_on_a_connection_that_the_database_has_ended_but_not_closed_uses_another(
    url: str,
) -> None:
    async with _closing_late(url) as proxy, ReadPool(_settings(proxy.url)) as reads:
        before = await reads.fetch(PID, {})
        _kill(url)
        await asyncio.wait_for(proxy.ended.wait(), 10)

        assert await reads.fetch(PID, {}) != before
        proxy.closes.set()


@dataclass
class _Proxy:
    """A proxy before PostgreSQL. `ended` is set once the client has the server's last words.

    The client hears that the connection is closed when `closes` is set.
    """

    url: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    closes: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def _closing_late(url: str) -> AsyncIterator[_Proxy]:
    """Run a proxy that passes on everything at once, but the end of a connection late."""
    parts = make_url(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(parts.host, parts.port)
        forward = asyncio.create_task(_copy(reader, to_server))
        await _copy(from_server, writer)
        for _ in range(10):  # turns of the loop, in which the client reads what was sent
            await asyncio.sleep(0)
        proxy.ended.set()
        await proxy.closes.wait()
        writer.close()
        await forward
        to_server.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy = _Proxy(parts.set(port=port).render_as_string(hide_password=False))
    async with server:
        yield proxy


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)


async def test_a_write_whose_connection_breaks_is_an_error_and_not_repeated(
    writes: WritePool, url: str
) -> None:
    with gate(url) as way:
        async with WritePool(_settings(way.url)) as breaking:
            writing = asyncio.create_task(breaking.execute(ADD_SLOWLY, {"n": 1}))
            await _sleepers(url, 1)

            way.cut()

            with pytest.raises(DatabaseUnavailableError):
                await asyncio.wait_for(writing, 10)
            _kill(url)
            await _sleepers(url, 0)
    assert await _notes(writes) == []


async def test_a_caller_who_gives_up_a_write_leaves_a_pool_that_works(
    writes: WritePool, url: str
) -> None:
    writing = [asyncio.create_task(writes.execute(ADD_SLOWLY, {"n": n})) for n in range(2)]
    await _sleepers(url, 2)
    for each in writing:
        each.cancel()
    await asyncio.gather(*writing, return_exceptions=True)

    await asyncio.wait_for(asyncio.gather(*(writes.execute(PID, {}) for _ in range(4))), 10)
    await _sleepers(url, 0)
    assert await _notes(writes) == []


async def test_a_write_that_finds_no_free_connection_is_the_databases_fault(
    writes: WritePool, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = [asyncio.create_task(writes.execute(ADD_SLOWLY, {"n": n})) for n in range(2)]
    await _sleepers(url, 2)
    monkeypatch.setattr(pools, "POOL_TIMEOUT", 0.1)

    with pytest.raises(DatabaseUnavailableError):
        await writes.execute(ADD, {"n": 3})
    for each in writing:
        each.cancel()
    await asyncio.gather(*writing, return_exceptions=True)


async def test_a_write_that_takes_too_long_is_the_databases_fault(writes: WritePool) -> None:
    limit = Statement.of(text("SELECT set_config('statement_timeout', '50', false)"))
    await writes.execute(limit, {})

    with pytest.raises(DatabaseUnavailableError):
        await writes.execute(ADD_SLOWLY, {"n": 1})
    assert await _notes(writes) == []


async def test_a_write_that_is_ended_because_of_a_deadlock_is_the_databases_fault(
    writes: WritePool, url: str
) -> None:
    """Either side may be ended: the second statement of each waits for the first of the other."""
    lock = Statement.of(
        text(
            "SELECT pg_advisory_xact_lock(key), pg_sleep(0.3)"
            " FROM unnest(CAST(:keys AS integer[])) AS key"
        )
    )
    with pytest.raises(DatabaseUnavailableError) as raised:
        await asyncio.gather(
            writes.execute(lock, {"keys": [1, 2]}), writes.execute(lock, {"keys": [2, 1]})
        )
    assert isinstance(raised.value.__cause__, asyncpg.DeadlockDetectedError)


async def test_a_write_that_breaks_a_rule_or_does_not_fit_says_so(writes: WritePool) -> None:
    await writes.execute(ADD, {"n": 1})

    with pytest.raises(asyncpg.UniqueViolationError):
        await writes.execute(ADD, {"n": 1})
    with pytest.raises(asyncpg.DataError):
        await writes.execute(ADD, {"n": "one"})
    assert await _notes(writes) == [1]


@pytest.mark.parametrize(
    "given", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
async def test_the_first_and_the_last_time_are_not_infinity(
    pool: ReadPool, given: datetime
) -> None:
    echo = text("SELECT CAST(:at AS timestamptz) AS at, isfinite(CAST(:at AS timestamptz)) AS fits")

    ((at, is_finite),) = await pool.fetch(Statement.of(echo), {"at": given})

    assert (at, is_finite) == (given, True)
