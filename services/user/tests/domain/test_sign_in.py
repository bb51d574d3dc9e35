"""The rules of logins on real repositories: what a login costs, and what may happen meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from user_service.domain.accounts import Account, Accounts, Caller
from user_service.domain.errors import (
    AccountConflictError,
    BadCredentialsError,
    EmailTakenError,
    TooManyFailuresError,
    UsernameTakenError,
    WrongPasswordError,
)
from user_service.domain.limits import Limits
from user_service.domain.passwords import Verify
from user_service.domain.sessions import Sessions
from user_service.domain.sign_in import SignIn
from user_service.domain.throttle import Throttle
from user_service.hashing.bcrypt_hasher import BcryptHasher
from user_service.persistence.accounts import AccountRepository
from user_service.persistence.sessions import SessionRepository
from user_service.persistence.throttle import ThrottleRepository

CLIENT = "198.51.100.7"
UntilBlocked = Callable[["asyncio.Task[Any]", Connection], Awaitable[None]]

pytestmark = pytest.mark.anyio


class CountingHasher(BcryptHasher):
    """Counts hashes and verifications, and calls `meanwhile` after each verification."""

    hashed = 0
    verified = 0
    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    async def hash(self, password: str, client: str) -> str:
        self.hashed += 1
        return await super().hash(password, client)

    @asynccontextmanager
    async def slot(self, client: str) -> AsyncIterator[Verify]:
        async with super().slot(client) as verify:

            async def counted(password: str, hashed: str | None) -> bool:
                matches = await verify(password, hashed)
                self.verified += 1
                self.meanwhile()
                return matches

            yield counted


@pytest.fixture
async def hasher() -> AsyncIterator[CountingHasher]:
    hasher = CountingHasher(cost=4, workers=1, queue=1)
    yield hasher
    hasher.close()


@pytest.fixture
async def throttle(hasher: CountingHasher, engine: Engine) -> Throttle:
    return Throttle(ThrottleRepository(engine), hasher, Limits(3, 100, 100))


@pytest.fixture
async def accounts(
    hasher: CountingHasher, throttle: Throttle, engine: Engine, empty_database: str
) -> Accounts:
    return Accounts(AccountRepository(engine), hasher, throttle)


@pytest.fixture
async def sessions(accounts: Accounts, engine: Engine) -> Sessions:
    return Sessions(SessionRepository(engine), accounts, timedelta(days=30))


@pytest.fixture
async def sign_in(throttle: Throttle, sessions: Sessions, engine: Engine) -> SignIn:
    return SignIn(AccountRepository(engine), throttle, sessions)


@pytest.fixture
async def john(accounts: Accounts) -> Account:
    return await accounts.register(
        email="john@example.com",
        username="johndoe",
        full_name=None,
        password="securepass123",
        client=CLIENT,
    )


def run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.usefixtures("john")
@pytest.mark.parametrize(
    ("login", "password", "is_active"),
    [
        ("johndoe", "a wrong one", True),
        ("johndoe", "securepass123", False),
        ("nobody", "securepass123", True),
        ("nobody@example.com", "securepass123", True),
        ("no@ad@dress", "securepass123", True),
    ],
)
async def test_every_failed_sign_in_costs_one_verification(
    sign_in: SignIn,
    hasher: CountingHasher,
    engine: Engine,
    login: str,
    password: str,
    is_active: bool,
) -> None:
    run(engine, f"UPDATE users SET is_active = {is_active}")

    with pytest.raises(BadCredentialsError):
        await sign_in.open_session(login, password, CLIENT)

    assert hasher.verified == 1


@pytest.mark.usefixtures("john")
@pytest.mark.parametrize("login", ["johndoe", "nobody"])
async def test_after_too_many_failures_no_password_is_hashed(
    sign_in: SignIn, hasher: CountingHasher, login: str
) -> None:
    for _ in range(3):
        with pytest.raises(BadCredentialsError):
            await sign_in.open_session(login, "a wrong one", CLIENT)

    with pytest.raises(TooManyFailuresError):
        await sign_in.open_session(login, "securepass123", CLIENT)

    assert hasher.verified == 3


async def test_a_good_sign_in_gives_the_account_and_costs_the_same(
    sign_in: SignIn, hasher: CountingHasher, john: Account
) -> None:
    assert (await sign_in.open_session("johndoe", "securepass123", CLIENT)).account == john
    assert hasher.verified == 1


@pytest.mark.usefixtures("john")
@pytest.mark.parametrize("change", ["is_active = false", "hashed_password = 'another'"])
async def test_no_session_opens_for_an_account_that_changed_during_the_verification(
    sign_in: SignIn, hasher: CountingHasher, engine: Engine, change: str
) -> None:
    hasher.meanwhile = partial(run, engine, f"UPDATE users SET {change}")

    with pytest.raises(BadCredentialsError):
        await sign_in.open_session("johndoe", "securepass123", CLIENT)


async def test_a_session_waits_for_the_change_that_would_end_it(
    sessions: Sessions, engine: Engine, john: Account, until_blocked: UntilBlocked
) -> None:
    with engine.connect() as changing:
        changing.execute(text("UPDATE users SET hashed_password = 'another'"))
        opening = asyncio.create_task(sessions.open(john))
        await until_blocked(opening, changing)
        changing.commit()

        with pytest.raises(BadCredentialsError):
            await opening


async def test_of_two_password_changes_at_once_one_wins(
    accounts: Accounts,
    sessions: Sessions,
    hasher: CountingHasher,
    engine: Engine,
    john: Account,
) -> None:
    caller = Caller(john.id, (await sessions.open(john)).id)
    hasher.meanwhile = partial(run, engine, "UPDATE users SET hashed_password = 'another'")

    with pytest.raises(WrongPasswordError):
        await accounts.change_password(
            caller, current="securepass123", new="an even better one", keep=None, client=CLIENT
        )


@pytest.mark.usefixtures("john")
@pytest.mark.parametrize(
    ("email", "username", "error"),
    [
        ("JOHN@example.com", "another", EmailTakenError),
        ("another@example.com", "JohnDoe", UsernameTakenError),
    ],
)
async def test_a_name_that_is_taken_costs_no_hash(
    accounts: Accounts,
    hasher: CountingHasher,
    email: str,
    username: str,
    error: type[AccountConflictError],
) -> None:
    before = hasher.hashed

    with pytest.raises(error):
        await accounts.register(
            email=email,
            username=username,
            full_name=None,
            password="securepass123",
            client=CLIENT,
        )

    assert hasher.hashed == before


async def test_secrets_stay_out_of_texts(sign_in: SignIn, john: Account) -> None:
    session = await sign_in.open_session("johndoe", "securepass123", CLIENT)

    assert john.hashed_password not in repr(session)
    assert repr(session.refresh_token.secret) not in repr(session)
