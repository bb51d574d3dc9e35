from collections.abc import AsyncIterator

import pytest
from servicekit.database import autocommit
from sqlalchemy import Engine, text
from user_service.domain.accounts import Account, Accounts
from user_service.domain.errors import BadCredentialsError
from user_service.domain.passwords import Passwords
from user_service.persistence.accounts import SqlAccountStore

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("empty_database")]


class CountingPasswords(Passwords):
    """Counts the verifications that really ran."""

    verified = 0

    async def verify(self, password: str, hashed: str) -> bool:
        matches = await super().verify(password, hashed)
        self.verified += 1
        return matches

    async def verify_nobody(self) -> None:
        await super().verify_nobody()
        self.verified += 1


@pytest.fixture
async def passwords() -> AsyncIterator[CountingPasswords]:
    passwords = CountingPasswords(cost=4, workers=1, queue=1)
    yield passwords
    passwords.close()


@pytest.fixture
async def accounts(passwords: CountingPasswords, engine: Engine) -> Accounts:
    return Accounts(SqlAccountStore(autocommit(engine)), passwords)


@pytest.fixture
async def john(accounts: Accounts) -> Account:
    return await accounts.register(
        email="john@example.com", username="johndoe", full_name=None, password="securepass123"
    )


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
    accounts: Accounts,
    passwords: CountingPasswords,
    engine: Engine,
    login: str,
    password: str,
    is_active: bool,
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET is_active = :it"), {"it": is_active})

    with pytest.raises(BadCredentialsError):
        await accounts.authenticate(login, password)

    assert passwords.verified == 1


async def test_a_good_sign_in_gives_the_account_and_costs_the_same(
    accounts: Accounts, passwords: CountingPasswords, john: Account
) -> None:
    assert await accounts.authenticate("johndoe", "securepass123") == john
    assert passwords.verified == 1


async def test_the_hash_stays_out_of_the_text_of_an_account(john: Account) -> None:
    assert john.hashed_password not in repr(john)
