"""A session from its login to its end: refreshes, logout, expiry, a new password."""

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, cast

import httpx
import pytest
from jose import jwt
from sqlalchemy import Engine, text

from servicekit.testing import client as testing
from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import KEYS
from servicekit.tokens import verify
from user_service.app import create_app
from user_service.settings import UserSettings

Register = Callable[..., dict[str, Any]]
Tokens = dict[str, Any]
LogIn = Callable[..., Tokens]
MakeSettings = Callable[..., UserSettings]

JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}
ME = "/api/v1/auth/me"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"
PASSWORD = "/api/v1/auth/me/password"


def refresh(client: httpx.Client, tokens: Tokens) -> httpx.Response:
    return client.post(REFRESH, json={"refresh_token": tokens["refresh_token"]})


def assert_over(client: httpx.Client, tokens: Tokens) -> None:
    answer = refresh(client, tokens)
    assert_problem(answer, 401)
    assert answer.json()["type"] == "/problems/invalid-refresh-token"
    assert answer.headers["www-authenticate"] == "Bearer"


def proof(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM sessions")).scalar_one())


def run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_a_refresh_token_leads_to_new_tokens_again_and_again(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    user = register()
    tokens, seen = log_in(), set()

    for _ in range(5):
        seen.add(tokens["refresh_token"])
        answer = refresh(client, tokens)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        tokens = answer.json()
        assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)
        assert verify(KEYS, tokens["access_token"]).user_id == user["id"]

    assert len(seen | {tokens["refresh_token"]}) == 6
    assert count(engine) == 1


def test_a_token_used_twice_ends_its_session_and_no_other(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    stolen, other = log_in(), log_in()
    current = refresh(client, refresh(client, stolen).json()).json()

    assert_over(client, stolen)

    assert_over(client, current)
    assert refresh(client, other).status_code == 200


def test_of_many_that_use_a_token_at_once_no_two_win_and_the_session_ends(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    register()
    tokens = log_in()

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: refresh(client, tokens), range(10)))

    # The service cannot know which of them is the thief. Even the first is refused if the second
    # has ended the session before the answer to the first.
    winners = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(winners) <= 1
    assert [answer.status_code for answer in answers].count(401) == 10 - len(winners)
    assert count(engine) == 0
    for each in winners:
        assert_over(client, each)


def test_only_a_digest_is_stored(log_in: LogIn, register: Register, engine: Engine) -> None:
    register()
    content = base64.urlsafe_b64decode(log_in()["refresh_token"])

    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM sessions")).one()
    assert row.id.bytes == content[:16]
    assert bytes(row.digest) == hashlib.sha256(content[16:]).digest()


def test_a_session_ends_thirty_days_after_its_sign_in_however_often_it_is_refreshed(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    def end() -> datetime:
        with engine.connect() as connection:
            row = connection.execute(text("SELECT expires_at, created_at FROM sessions")).one()
        assert row.expires_at - row.created_at == timedelta(days=30)
        return cast(datetime, row.expires_at)

    register()
    tokens = log_in()
    before = end()

    assert refresh(client, tokens).status_code == 200

    assert end() == before


def test_the_days_until_a_session_ends_are_a_setting(
    make_settings: MakeSettings, engine: Engine
) -> None:
    with testing.running(create_app(make_settings(session_days=7))) as client:
        client.post("/api/v1/auth/register", json=JOHN)
        client.post("/api/v1/auth/login", json=JOHN)

    with engine.connect() as connection:
        left = connection.execute(text("SELECT expires_at - now() FROM sessions")).scalar_one()
    assert round(left.total_seconds() / 86400) == 7


def test_an_access_token_does_not_outlive_its_session(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    register()
    tokens = log_in()
    run(engine, "UPDATE sessions SET expires_at = now() + interval '1 minute'")

    renewed = refresh(client, tokens).json()

    assert renewed["expires_in"] <= 60
    claims = jwt.get_unverified_claims(renewed["access_token"])
    assert claims["exp"] - claims["iat"] <= 60


def test_an_expired_session_is_over_and_goes_at_the_next_sign_in(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    register()
    expired = [log_in() for _ in range(3)]
    run(engine, "UPDATE sessions SET expires_at = now()")

    assert_over(client, expired[0])
    log_in()

    assert count(engine) == 1


@pytest.mark.parametrize("path", [REFRESH, LOGOUT])
@pytest.mark.parametrize("body", [{}, {"refresh_token": ""}, {"refresh_token": 1}, []])
def test_a_body_without_a_token_is_a_422(client: httpx.Client, path: str, body: Any) -> None:
    assert_problem(client.post(path, json=body), 422)


NOBODYS = ["x", "A" * 64, "A" * 22, "\N{SNOWMAN}", "a.b.c", "A" * 128]


@pytest.mark.parametrize("token", NOBODYS)
def test_a_token_that_never_was_is_refused(client: httpx.Client, token: str) -> None:
    assert_over(client, {"refresh_token": token})


def forged(tokens: Tokens, secret: bytes) -> Tokens:
    """Return a forged refresh token: the `sid` of an access token, and a made-up secret."""
    session_id = verify(KEYS, tokens["access_token"]).session_id
    assert session_id
    return {"refresh_token": base64.urlsafe_b64encode(session_id.bytes + secret).decode()}


@pytest.mark.parametrize("path", [REFRESH, LOGOUT])
@pytest.mark.parametrize("secret", [b"", b"\0" * 16, b"\0" * 32, b"\0" * 64], ids=len)
def test_a_refresh_token_made_of_an_access_tokens_session_ends_nothing(
    client: httpx.Client, register: Register, log_in: LogIn, path: str, secret: bytes
) -> None:
    register()
    tokens = log_in()

    client.post(path, json=forged(tokens, secret))

    assert client.get(ME, headers=proof(tokens)).status_code == 200
    assert refresh(client, tokens).status_code == 200


def test_a_refresh_token_of_one_session_with_the_name_of_another_ends_neither(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    one, other = log_in(), log_in()
    mixed = forged(one, base64.urlsafe_b64decode(other["refresh_token"])[16:])

    client.post(LOGOUT, json=mixed)
    assert_over(client, mixed)

    assert refresh(client, one).status_code == 200
    assert refresh(client, other).status_code == 200


def test_a_session_from_before_tokens_were_sealed_goes_on(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    register()
    tokens = log_in()
    older = forged(tokens, b"random, from an older release...")
    digest = hashlib.sha256(b"random, from an older release...").hexdigest()
    run(engine, f"UPDATE sessions SET digest = decode('{digest}', 'hex')")

    renewed = refresh(client, older)

    assert renewed.status_code == 200
    client.post(LOGOUT, json={"refresh_token": renewed.json()["refresh_token"]})
    assert count(engine) == 0


def test_an_account_has_a_hundred_sessions_and_the_one_unused_the_longest_makes_room(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    register()
    unused, used = log_in(), log_in()
    used = refresh(client, used).json()
    run(
        engine,
        "INSERT INTO sessions (id, user_id, digest, expires_at)"
        " SELECT gen_random_uuid(), 1, '', now() + interval '1 day' FROM generate_series(1, 98)",
    )
    assert client.get(ME, headers=proof(unused)).status_code == 200

    log_in()

    assert count(engine) == 100
    assert_problem(client.get(ME, headers=proof(unused)), 401)
    assert client.get(ME, headers=proof(used)).status_code == 200


def test_another_sessions_secret_opens_nothing(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    one, other = (base64.urlsafe_b64decode(log_in()["refresh_token"]) for _ in range(2))
    mixed = base64.urlsafe_b64encode(one[:16] + other[16:]).decode()

    assert_over(client, {"refresh_token": mixed})


def test_a_sign_out_ends_its_session_and_no_other(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    old, other = log_in(), log_in()
    current = refresh(client, old).json()

    answers = [
        client.post(LOGOUT, json={"refresh_token": current["refresh_token"]}) for _ in range(2)
    ]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert_over(client, current)
    assert refresh(client, other).status_code == 200


def test_a_sign_out_with_a_used_token_ends_the_session(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    old = log_in()
    current = refresh(client, old).json()

    client.post(LOGOUT, json={"refresh_token": old["refresh_token"]})

    assert_over(client, current)


@pytest.mark.parametrize("token", NOBODYS)
def test_a_logout_reveals_nothing_about_the_token(client: httpx.Client, token: str) -> None:
    answer = client.post(LOGOUT, json={"refresh_token": token})

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("keeps", [True, False])
def test_a_new_password_ends_the_other_sessions(
    client: httpx.Client, register: Register, log_in: LogIn, keeps: bool
) -> None:
    register()
    register(username="other", email="other@example.com")
    mine, elsewhere, others = log_in(), log_in(), log_in(username="other")
    body = {"current_password": "securepass123", "new_password": "an even better one"}
    kept = {"refresh_token": mine["refresh_token"]} if keeps else {}

    bearer = {"Authorization": f"Bearer {mine['access_token']}"}
    assert client.post(PASSWORD, json={**body, **kept}, headers=bearer).status_code == 204

    assert_over(client, elsewhere)
    assert refresh(client, mine).status_code == (200 if keeps else 401)
    assert refresh(client, others).status_code == 200


def test_a_new_password_keeps_no_session_for_the_token_of_another_account(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    register(username="other", email="other@example.com")
    mine, others = log_in(), log_in(username="other")
    body = {
        "current_password": "securepass123",
        "new_password": "an even better one",
        "refresh_token": others["refresh_token"],
    }

    bearer = {"Authorization": f"Bearer {mine['access_token']}"}
    assert client.post(PASSWORD, json=body, headers=bearer).status_code == 204

    assert_over(client, mine)
    assert refresh(client, others).status_code == 200


def test_a_password_stays_where_the_session_to_keep_is_no_token(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    mine = log_in()
    body = {
        "current_password": "securepass123",
        "new_password": "an even better one",
        "refresh_token": "x",
    }

    bearer = {"Authorization": f"Bearer {mine['access_token']}"}
    assert_problem(client.post(PASSWORD, json=body, headers=bearer), 401)

    assert log_in()


def test_the_session_of_an_account_no_longer_active_is_over(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    register()
    tokens = log_in()
    run(engine, "UPDATE users SET is_active = false")

    assert_problem(refresh(client, tokens), 401)


def test_a_deleted_accounts_sessions_go_with_it(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    register()
    tokens = log_in()
    run(engine, "DELETE FROM users")

    assert_over(client, tokens)
    assert count(engine) == 0


def test_a_new_superuser_is_one_in_the_next_access_token(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    register()
    tokens = log_in()
    run(engine, "UPDATE users SET is_superuser = true")

    assert verify(KEYS, refresh(client, tokens).json()["access_token"]).is_superuser
