from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from jose import jwt
from pydantic import SecretStr

from servicekit.errors import Unauthenticated
from servicekit.remembered import Remembered
from servicekit.settings import TokenSettings
from servicekit.testing import hostile
from servicekit.tokens import Keys, Principal, issue, key_id, verify

OLD, NEW = b"o" * 32, b"n" * 32

LIFETIME = timedelta(minutes=15)


def test_issued_token_names_its_principal() -> None:
    keys = Keys(NEW)
    principal = Principal(42, is_superuser=True, session_id=uuid4())
    assert verify(keys, issue(keys, principal, LIFETIME, datetime.now(UTC))) == principal


def test_token_of_the_previous_key_is_accepted_during_a_rotation() -> None:
    token = issue(Keys(OLD), Principal(1, is_superuser=False), LIFETIME, datetime.now(UTC))
    assert verify(Keys(NEW, previous=OLD), token).user_id == 1


def test_token_of_a_retired_key_is_refused() -> None:
    token = issue(Keys(OLD), Principal(1, is_superuser=False), LIFETIME, datetime.now(UTC))
    with pytest.raises(Unauthenticated):
        verify(Keys(NEW), token)


def test_token_lives_as_long_as_it_says() -> None:
    token = issue(Keys(NEW), Principal(1, is_superuser=False), LIFETIME, datetime.now(UTC))
    claims = jwt.get_unverified_claims(token)
    assert claims["exp"] - claims["iat"] == 15 * 60


def test_two_tokens_have_two_identifiers() -> None:
    tokens = [
        issue(Keys(NEW), Principal(1, is_superuser=False), LIFETIME, datetime.now(UTC))
        for _ in "ab"
    ]
    assert len({jwt.get_unverified_claims(token)["jti"] for token in tokens}) == 2


@pytest.mark.parametrize("name", hostile.TOKENS)
def test_hostile_token_is_refused_and_nothing_else_happens(name: str) -> None:
    keys = Keys(NEW)
    token = hostile.TOKENS[name](keys, Principal(1, is_superuser=False)).decode("latin-1")
    with pytest.raises(Unauthenticated):
        verify(keys, token)


def test_superuser_is_nobody_but_true() -> None:
    keys = Keys(NEW)
    header = b'{"alg": "HS256", "kid": "%s"}' % key_id(NEW).encode()
    exp = int(datetime.now(UTC).timestamp()) + 60
    claims = (
        b'{"sub": "1", "superuser": "yes", "iss": "tasktracker-user-service",'
        b' "aud": "tasktracker", "jti": "1", "exp": %d}' % exp
    )
    assert not verify(keys, hostile.signed(NEW, header, claims).decode()).is_superuser


def test_keys_come_from_the_settings() -> None:
    settings = TokenSettings(
        secret_key=SecretStr(NEW.decode()), previous_secret_key=SecretStr(OLD.decode())
    )
    assert Keys.of(settings) == Keys(NEW, OLD)
    assert Keys.of(TokenSettings(secret_key=SecretStr(NEW.decode()))) == Keys(NEW)


def test_keys_stay_out_of_the_repr() -> None:
    assert "nnn" not in repr(Keys(NEW))


def test_name_of_a_key_depends_on_the_key() -> None:
    assert key_id(OLD) != key_id(NEW)


def test_a_token_that_was_good_is_refused_once_it_has_expired() -> None:
    now = datetime.now(UTC)
    clock = now.timestamp()
    keys = Keys(NEW, remembered=Remembered(clock=lambda: clock))
    token = issue(keys, Principal(1, is_superuser=False), timedelta(seconds=-1), now)
    keys.remembered.keep(token.encode(), Principal(1, is_superuser=False), clock + 10)
    assert verify(keys, token).user_id == 1

    clock += 10

    with pytest.raises(Unauthenticated):
        verify(keys, token)


def test_other_keys_do_not_know_what_these_found_good() -> None:
    token = issue(Keys(OLD), Principal(1, is_superuser=False), LIFETIME, datetime.now(UTC))
    verify(Keys(OLD), token)
    with pytest.raises(Unauthenticated):
        verify(Keys(NEW), token)


def test_a_refused_token_is_not_remembered() -> None:
    keys = Keys(NEW)
    token = issue(Keys(OLD), Principal(1, is_superuser=False), LIFETIME, datetime.now(UTC))
    with pytest.raises(Unauthenticated):
        verify(keys, token)
    assert keys.remembered.find(token.encode()) is None
