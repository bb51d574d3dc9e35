"""The list of the caller's sessions, and the calls that end them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine, text

from servicekit.testing.conformance import assert_problem
from services.user.tests.api.endings import (
    AUTH,
    Tokens,
    name,
    proof,
)

Register = Callable[..., dict[str, Any]]
LogIn = Callable[..., Tokens]

SESSIONS = f"{AUTH}/sessions"


def listed(client: httpx.Client, tokens: Tokens) -> list[dict[str, Any]]:
    answer = client.get(SESSIONS, headers=proof(tokens))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    sessions: list[dict[str, Any]] = answer.json()
    return sessions


def is_open(client: httpx.Client, tokens: Tokens) -> bool:
    return client.get(f"{AUTH}/me", headers=proof(tokens)).status_code == 200


def test_each_sign_in_is_a_session_and_the_one_used_last_comes_first(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    older, newer = log_in(), log_in()

    assert [each["id"] for each in listed(client, older)] == [str(name(newer)), str(name(older))]
    assert [each["current"] for each in listed(client, older)] == [False, True]

    client.post(f"{AUTH}/refresh", json={"refresh_token": older["refresh_token"]})

    first, second = listed(client, newer)
    assert (first["id"], second["id"]) == (str(name(older)), str(name(newer)))
    moments = [datetime.fromisoformat(first[each]) for each in first if each.endswith("_at")]
    created, used, expires = moments
    assert created < used < expires
    assert second["created_at"] == second["last_used_at"]


@pytest.mark.parametrize(
    ("said", "program"),
    [
        ("tasktracker-cli/0.1", "tasktracker-cli/0.1"),
        ("  ", None),
        ("", None),
        ("x" * 200, "x" * 100),
        ("a\tb\x7fc", "abc"),
    ],
)
def test_a_session_shows_its_clients_user_agent(
    client: httpx.Client, register: Register, said: str, program: str | None
) -> None:
    register()
    body = {"username": "johndoe", "password": "securepass123"}

    tokens = client.post(f"{AUTH}/login", json=body, headers={"User-Agent": said}).json()

    assert [each["program"] for each in listed(client, tokens)] == [program]


def test_no_sessions_of_others_and_no_expired_ones_are_listed(
    client: httpx.Client, register: Register, log_in: LogIn, engine: Engine
) -> None:
    register()
    register(username="other", email="other@example.com")
    mine, expired = log_in(), log_in()
    log_in(username="other")
    with engine.begin() as connection:
        statement = text("UPDATE sessions SET expires_at = now() WHERE id = :id")
        connection.execute(statement, {"id": name(expired)})

    assert [each["id"] for each in listed(client, mine)] == [str(name(mine))]
    assert_problem(client.delete(f"{SESSIONS}/{name(expired)}", headers=proof(mine)), 404)


def test_a_session_that_its_owner_ends_is_over_and_no_other(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    mine, stolen, other = log_in(), log_in(), log_in()

    answer = client.delete(f"{SESSIONS}/{name(stolen)}", headers=proof(mine))

    assert (answer.status_code, answer.content) == (204, b"")
    assert [is_open(client, each) for each in (mine, stolen, other)] == [True, False, True]
    body = {"refresh_token": stolen["refresh_token"]}
    assert_problem(client.post(f"{AUTH}/refresh", json=body), 401)


def test_the_session_that_asks_can_end_itself(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    mine = log_in()

    assert client.delete(f"{SESSIONS}/{name(mine)}", headers=proof(mine)).status_code == 204

    assert not is_open(client, mine)


def test_all_others_end_at_once(client: httpx.Client, register: Register, log_in: LogIn) -> None:
    register()
    register(username="other", email="other@example.com")
    others, mine, elsewhere = [log_in(), log_in()], log_in(), log_in(username="other")

    answer = client.delete(SESSIONS, headers=proof(mine))

    assert (answer.status_code, answer.content) == (204, b"")
    assert [is_open(client, each) for each in others] == [False, False]
    assert is_open(client, mine)
    assert is_open(client, elsewhere)


def test_a_session_of_another_account_cannot_be_ended(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    register(username="other", email="other@example.com")
    mine, theirs = log_in(), log_in(username="other")

    for session_id in (name(theirs), uuid4()):
        answer = client.delete(f"{SESSIONS}/{session_id}", headers=proof(mine))
        assert_problem(answer, 404)
        assert answer.json()["type"] == "/problems/session-not-found"

    assert is_open(client, theirs)


def test_an_invalid_session_id_is_a_422(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()

    answer = client.delete(f"{SESSIONS}/1", headers=proof(log_in()))

    assert_problem(answer, 422)
    assert [error["field"] for error in answer.json()["errors"]] == ["session_id"]
