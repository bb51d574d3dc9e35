"""persistence.database: work that was lost before its commit is done again, and no other."""

import pytest
from sqlalchemy import Connection, Engine, exc, text

from user_service.persistence.database import Database

pytestmark = pytest.mark.anyio

END = text("SELECT pg_terminate_backend(pg_backend_pid())")
ENDINGS = {
    "stops": END,
    "is no primary any more": text("SET TRANSACTION READ ONLY"),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_lost_transaction_is_done_once_more(engine: Engine, ending: str) -> None:
    calls = []

    def work(connection: Connection) -> int:
        calls.append(connection)
        if len(calls) == 1:
            connection.execute(ENDINGS[ending])
        connection.execute(text("UPDATE users SET username = username"))
        return len(calls)

    assert await Database(engine).transaction(work) == 2


async def test_it_is_not_done_a_third_time(engine: Engine) -> None:
    calls = []

    def work(connection: Connection) -> None:
        calls.append(connection)
        connection.execute(END)

    with pytest.raises(exc.OperationalError):
        await Database(engine).transaction(work)
    assert len(calls) == 2


async def test_a_single_change_that_is_lost_is_not_repeated(engine: Engine) -> None:
    """Nobody knows whether it was committed."""
    with pytest.raises(exc.OperationalError):
        await Database(engine).execute(END)


async def test_an_error_of_the_statement_is_not_repeated(engine: Engine) -> None:
    calls = []

    def work(connection: Connection) -> None:
        calls.append(connection)
        connection.execute(text("SELECT nothing"))

    with pytest.raises(exc.ProgrammingError):
        await Database(engine).transaction(work)
    assert len(calls) == 1
