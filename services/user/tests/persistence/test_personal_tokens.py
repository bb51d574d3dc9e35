"""What happens to the account while its password is being proved, before a token is stored."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from user_service.domain.accounts import Account
from user_service.domain.errors import WrongPasswordError
from user_service.domain.personal_tokens import Draft
from user_service.persistence.accounts import AccountRepository
from user_service.persistence.administration import AdministrationRepository
from user_service.persistence.personal_tokens import PersonalTokenRepository

DRAFT = Draft("ci", ["tasks:read"], b"digest", timedelta(days=1))


@pytest.fixture
def account(empty_database: str, engine: Engine) -> Account:
    return AccountRepository(engine).insert(
        email="john@example.com", username="johndoe", full_name=None, hashed_password="x"
    )


def test_no_token_is_made_for_a_password_that_was_replaced_meanwhile(
    account: Account, engine: Engine
) -> None:
    assert AccountRepository(engine).replace_password(account, "y", None)
    tokens = PersonalTokenRepository(engine)
    with pytest.raises(WrongPasswordError):
        tokens.insert(account, DRAFT, 50)
    assert tokens.entries(account.id) == []


def test_no_token_is_made_for_an_account_that_was_deactivated_meanwhile(
    account: Account, engine: Engine
) -> None:
    administration = AdministrationRepository(engine)
    administration.set(account.username, {"is_active": False})
    tokens = PersonalTokenRepository(engine)
    with pytest.raises(WrongPasswordError):
        tokens.insert(account, DRAFT, 50)
    administration.set(account.username, {"is_active": True})
    assert tokens.use(DRAFT.digest) is None
