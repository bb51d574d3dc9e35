"""Access tokens: good, hostile, and cached ones."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from jose import jwt

from servicekit.errors import Unauthenticated
from servicekit.keys import SigningKey, shared
from servicekit.testing import hostile
from servicekit.testing.credentials import KEYS_BY_ALGORITHM
from servicekit.token_cache import TokenCache
from servicekit.tokens import Keys, Principal, issue, verify

OLD, NEW = shared("o" * 32), shared("n" * 32)
ADA = Principal(1, is_superuser=False)
LIFETIME = timedelta(minutes=15)


def checking(*keys: SigningKey) -> Keys:
    return Keys(keys[0].algorithm, {key.id: key.key for key in keys})


def token_of(key: SigningKey) -> str:
    return issue(key, ADA, LIFETIME, datetime.now(UTC))


@pytest.mark.parametrize("kind", KEYS_BY_ALGORITHM)
def test_issued_token_names_its_principal(kind: str) -> None:
    key, keys = KEYS_BY_ALGORITHM[kind]
    principal = Principal(42, is_superuser=True, session_id=uuid4())
    assert verify(keys, issue(key, principal, LIFETIME, datetime.now(UTC))) == principal


def test_token_of_the_other_key_is_accepted_during_a_rotation() -> None:
    assert verify(checking(NEW, OLD), token_of(OLD)) == ADA


def test_token_of_a_retired_key_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        verify(checking(NEW), token_of(OLD))


def test_token_lives_as_long_as_it_says() -> None:
    claims = jwt.get_unverified_claims(token_of(NEW))
    assert claims["exp"] - claims["iat"] == 15 * 60


def test_two_tokens_have_two_identifiers() -> None:
    tokens = [token_of(NEW) for _ in "ab"]
    assert len({jwt.get_unverified_claims(token)["jti"] for token in tokens}) == 2


@pytest.mark.parametrize("name", hostile.TOKENS)
@pytest.mark.parametrize("kind", KEYS_BY_ALGORITHM)
def test_hostile_token_is_refused_and_nothing_else_happens(kind: str, name: str) -> None:
    key, keys = KEYS_BY_ALGORITHM[kind]
    token = hostile.TOKENS[name](key, ADA).decode("latin-1")
    with pytest.raises(Unauthenticated):
        verify(keys, token)


def test_superuser_is_nobody_but_true() -> None:
    header = b'{"alg": "HS256", "typ": "JWT", "kid": "%s"}' % NEW.id.encode()
    exp = int(datetime.now(UTC).timestamp()) + 60
    claims = (
        b'{"sub": "1", "superuser": "yes", "iss": "tasktracker-user-service",'
        b' "aud": "tasktracker", "jti": "1", "exp": %d}' % exp
    )
    token = hostile.signed(NEW.key, header, claims).decode()
    assert not verify(checking(NEW), token).is_superuser


def test_keys_stay_out_of_the_repr() -> None:
    assert "nnn" not in repr(checking(NEW)) + repr(NEW)


def test_a_token_that_was_good_is_refused_once_it_has_expired() -> None:
    now = datetime.now(UTC)
    clock = now.timestamp()
    keys = Keys(NEW.algorithm, {NEW.id: NEW.key}, TokenCache(clock=lambda: clock))
    token = issue(NEW, ADA, timedelta(seconds=-1), now)
    keys.cache.put(token.encode(), ADA, clock + 10, owner=1)
    assert verify(keys, token).user_id == 1

    clock += 10

    with pytest.raises(Unauthenticated):
        verify(keys, token)


def test_other_keys_do_not_know_what_these_found_good() -> None:
    token = token_of(OLD)
    verify(checking(OLD), token)
    with pytest.raises(Unauthenticated):
        verify(checking(NEW), token)


def test_a_refused_token_is_not_remembered() -> None:
    keys = checking(NEW)
    token = token_of(OLD)
    with pytest.raises(Unauthenticated):
        verify(keys, token)
    assert keys.cache.get(token.encode()) is None


def test_one_users_tokens_leave_the_others_remembered() -> None:
    keys = Keys(NEW.algorithm, {NEW.id: NEW.key}, TokenCache(capacity=10, share=3))
    others = [
        issue(NEW, Principal(number, False), LIFETIME, datetime.now(UTC)) for number in (2, 3)
    ]
    for token in others:
        verify(keys, token)

    own = [token_of(NEW) for _ in range(20)]
    for token in own:
        assert verify(keys, token) == ADA

    assert all(keys.cache.get(token.encode()) for token in (*others, *own[-3:]))
    assert not any(keys.cache.get(token.encode()) for token in own[:-3])
