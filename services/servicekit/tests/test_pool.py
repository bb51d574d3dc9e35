"""The pool for reads, on a real PostgreSQL that restarts, hangs and refuses."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from servicekit.database import DatabaseUnavailableError
from servicekit.pool import ReadPool, Statement
from servicekit.settings import DatabaseSettings, psycopg2_url
from servicekit.testing.plugin import MakeDatabase

pytestmark = pytest.mark.anyio
PID = Statement.of(text("SELECT pg_backend_pid()"))
SLEEP = Statement.of(text("SELECT pg_sleep(60)"))
SLEEPERS = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")
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
    """Wait until this number of reads sleep."""
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
