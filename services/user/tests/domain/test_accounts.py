from dataclasses import replace
from datetime import UTC, datetime

import pytest
from user_service.domain.accounts import Account, Accounts
from user_service.domain.errors import BadCredentialsError
from user_service.domain.passwords import Passwords

pytestmark = pytest.mark.anyio


class CountingPasswords(Passwords):
    """Counts the verifications that really ran."""

    def __init__(self):
        super().__init__(cost=4, workers=1, queue=1)
        self.verified = 0

    async def verify(self, password, hashed):
        matches = await super().verify(password, hashed)
        self.verified += 1
        return matches

    async def verify_nobody(self):
        await super().verify_nobody()
        self.verified += 1


class OneAccount:
    """A store that holds a single account."""

    def __init__(self, account):
        self.account = account

    def find_by_username(self, username):
        return self.account if username == self.account.username else None

    def find_by_email(self, email):
        return self.account if email == self.account.email else None


@pytest.fixture
def passwords():
    passwords = CountingPasswords()
    yield passwords
    passwords.close()


@pytest.fixture
async def john(passwords):
    now = datetime.now(UTC)
    return Account(
        id=1,
        email="john@example.com",
        username="johndoe",
        full_name=None,
        is_active=True,
        is_superuser=False,
        created_at=now,
        updated_at=now,
        hashed_password=await passwords.hash("securepass123"),
    )


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
    passwords, john, login, password, is_active
):
    accounts = Accounts(OneAccount(replace(john, is_active=is_active)), passwords)

    with pytest.raises(BadCredentialsError):
        await accounts.authenticate(login, password)

    assert passwords.verified == 1


async def test_a_good_sign_in_gives_the_account_and_costs_the_same(passwords, john):
    accounts = Accounts(OneAccount(john), passwords)

    assert await accounts.authenticate("johndoe", "securepass123") == john
    assert passwords.verified == 1


async def test_the_hash_stays_out_of_the_text_of_an_account(john):
    assert john.hashed_password not in repr(john)
