"""An access token is good for minutes, but not longer than its session."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine, text

from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import KEYS, bearer
from servicekit.tokens import verify
from services.user.tests.api.endings import (
    AUTH,
    PASSWORDS,
    Tokens,
    change_password,
    end_it,
    proof,
    refresh,
    reuse,
    sign_out,
)

Register = Callable[..., dict[str, Any]]
LogIn = Callable[..., Tokens]
End = Callable[[httpx.Client, Engine, Tokens], object]


def ask(client: httpx.Client, tokens: Tokens) -> httpx.Response:
    return client.get(f"{AUTH}/me", headers=proof(tokens))


def deactivate(client: httpx.Client, engine: Engine, tokens: Tokens) -> object:
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET is_superuser = username = 'root'"))
    body = {"username": "root", "password": "securepass123"}
    root = client.post(f"{AUTH}/login", json=body).json()
    account = f"{AUTH}/users/{ask(client, tokens).json()['id']}"
    flags = ({"is_active": False}, {"is_active": True})
    return [client.patch(account, json=flag, headers=proof(root)) for flag in flags]


def expire(_: httpx.Client, engine: Engine, tokens: Tokens) -> object:
    session_id = verify(KEYS, tokens["access_token"]).session_id
    with engine.begin() as connection:
        statement = text("UPDATE sessions SET expires_at = now() WHERE id = :id")
        return connection.execute(statement, {"id": session_id})


@pytest.mark.parametrize("end", [sign_out, reuse, change_password, deactivate, end_it, expire])
def test_the_access_token_of_an_ended_session_is_refused_at_once(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn, end: End
) -> None:
    register(username="root", email="root@example.com")
    register()
    tokens = log_in()
    assert ask(client, tokens).status_code == 200

    end(client, engine, tokens)

    answer = ask(client, tokens)
    assert_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "/problems/unauthenticated"


@pytest.mark.parametrize("end", [sign_out, reuse, end_it, expire])
def test_the_end_of_one_session_is_none_of_the_others(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn, end: End
) -> None:
    register()
    tokens, other = log_in(), log_in()

    end(client, engine, tokens)

    assert ask(client, other).status_code == 200


def test_a_new_password_leaves_the_session_that_it_keeps(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    mine, elsewhere = log_in(), log_in()
    body = PASSWORDS | {"refresh_token": mine["refresh_token"]}

    client.post(f"{AUTH}/me/password", json=body, headers=proof(mine))

    assert ask(client, mine).status_code == 200
    assert_problem(ask(client, elsewhere), 401)


def test_a_refresh_leaves_the_access_tokens_before_it(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn
) -> None:
    register()
    before = log_in()

    after = refresh(client, before).json()

    assert ask(client, before).status_code == 200
    sign_out(client, engine, after)
    assert_problem(ask(client, before), 401)


def test_a_session_proves_nobody_but_its_own_account(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    other = register(username="other", email="other@example.com")
    register()
    johns = verify(KEYS, log_in()["access_token"]).session_id

    for session in (johns, uuid4(), None):
        answer = client.get(f"{AUTH}/me", headers=bearer(other["id"], session_id=session))
        assert_problem(answer, 401)


def test_nothing_is_changed_or_administered_in_an_ended_session(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn
) -> None:
    register()
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET is_superuser = true"))
    tokens = log_in()
    sign_out(client, engine, tokens)

    for method, path, body in (
        ("PATCH", "/me", {"full_name": "J"}),
        ("PATCH", "/me", {}),
        ("POST", "/me/password", PASSWORDS),
        ("GET", "/sessions", None),
        ("DELETE", "/sessions", None),
        ("DELETE", f"/sessions/{uuid4()}", None),
        ("GET", "/users", None),
        ("PATCH", "/users/1", {"is_active": True}),
    ):
        answer = client.request(method, AUTH + path, json=body, headers=proof(tokens))
        assert_problem(answer, 401)
