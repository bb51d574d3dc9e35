"""Changes of an account between the proof of its password and the insert of its token."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from user_service.domain.accounts import Account
from user_service.domain.errors import WrongPasswordError
from user_service.domain.personal_tokens import NewToken
from user_service.persistence.accounts import AccountRepository
from user_service.persistence.administration import AdministrationRepository
from user_service.persistence.personal_tokens import PersonalTokenRepository

NEW = NewToken("ci", ["tasks:read"], b"digest", timedelta(days=1))

pytestmark = pytest.mark.anyio


@pytest.fixture
async def account(empty_database: str, engine: Engine) -> Account:
    return await AccountRepository(engine).insert(
        email="john@example.com", username="johndoe", full_name=None, hashed_password="x"
    )


async def test_no_token_is_made_for_a_password_that_was_replaced_meanwhile(
    account: Account, engine: Engine
) -> None:
    assert await AccountRepository(engine).replace_password(account, "y", None)
    tokens = PersonalTokenRepository(engine)
    with pytest.raises(WrongPasswordError):
        await tokens.insert(account, NEW, 50)
    assert await tokens.list(account.id) == []


async def test_no_token_is_made_for_an_account_that_was_deactivated_meanwhile(
    account: Account, engine: Engine
) -> None:
    administration = AdministrationRepository(engine)
    await administration.update_by_username(account.username, {"is_active": False})
    tokens = PersonalTokenRepository(engine)
    with pytest.raises(WrongPasswordError):
        await tokens.insert(account, NEW, 50)
    await administration.update_by_username(account.username, {"is_active": True})
    assert await tokens.use(NEW.digest) is None
