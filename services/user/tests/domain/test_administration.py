"""The rule that one active superuser stays, on the real repository."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from user_service.domain.accounts import Accounts
from user_service.domain.administration import Administration
from user_service.domain.errors import LastSuperuserError
from user_service.domain.limits import Limits
from user_service.domain.throttle import Throttle
from user_service.hashing.bcrypt_hasher import BcryptHasher
from user_service.persistence.accounts import AccountRepository
from user_service.persistence.administration import AdministrationRepository
from user_service.persistence.throttle import ThrottleRepository

UntilBlocked = Callable[["asyncio.Task[Any]", Connection], Awaitable[None]]

pytestmark = pytest.mark.anyio


@pytest.fixture
async def administration(engine: Engine, empty_database: str) -> Administration:
    """Return the rules, on a database with two superusers, 1 and 2."""
    repository = AccountRepository(engine)
    for name in ("ada", "grace"):
        await repository.insert(
            email=f"{name}@example.com", username=name, full_name=None, hashed_password="x"
        )
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET is_superuser = true"))
    hasher = BcryptHasher(cost=4, workers=1, queue=0)
    throttle = Throttle(ThrottleRepository(engine), hasher, Limits(1, 1, 1))
    return Administration(AdministrationRepository(engine), Accounts(repository, hasher, throttle))


def superusers(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        found = text("SELECT id FROM users WHERE is_superuser AND is_active ORDER BY id")
        return list(connection.execute(found).scalars())


@pytest.mark.parametrize("flag", ["is_superuser", "is_active"])
async def test_a_superuser_who_is_the_last_by_an_unfinished_change_is_not_removed(
    administration: Administration, engine: Engine, until_blocked: UntilBlocked, flag: str
) -> None:
    with engine.connect() as changing:
        changing.execute(text(f"UPDATE users SET {flag} = false WHERE id = 2"))
        removal = asyncio.create_task(administration.change(1, {flag: False}))
        await until_blocked(removal, changing)
        changing.commit()

        with pytest.raises(LastSuperuserError):
            await removal

    assert superusers(engine) == [1]


async def test_a_refused_change_leaves_the_account_and_its_sessions(
    administration: Administration, engine: Engine
) -> None:
    await administration.change(2, {"is_superuser": False})
    with engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO sessions (id, user_id, digest, expires_at)
                VALUES (gen_random_uuid(), 1, 'x', now() + interval '1 day')
            """)
        )

    with pytest.raises(LastSuperuserError):
        await administration.change(1, {"is_active": False})

    assert superusers(engine) == [1]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT user_id FROM sessions")).scalar_one() == 1
