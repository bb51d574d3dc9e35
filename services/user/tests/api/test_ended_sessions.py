"""Every end of a session is reported to the services that ask for them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Connection, Engine, text

from servicekit.ended_sessions import PATH
from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import KEYS
from servicekit.tokens import verify
from services.user.tests.api.endings import (
    AUTH,
    Tokens,
    change_password,
    end_it,
    name,
    proof,
    refresh,
    reuse,
    sign_out,
)

Register = Callable[..., dict[str, Any]]
LogIn = Callable[..., Tokens]
End = Callable[[httpx.Client, Engine, Tokens], object]

LISTED_FOR = 15 * 60 + 5 * 60  # seconds: an access token's life, and what clocks may differ


def ended(client: httpx.Client, after: int = 0) -> tuple[int, set[UUID]]:
    """Return the next position and the reported sessions."""
    answer = client.get(PATH, params={"after": after})
    assert answer.status_code == 200, answer.text
    news = answer.json()
    assert news["seconds"] == LISTED_FOR
    return news["position"], {UUID(each) for each in news["sessions"]}


def end_others(client: httpx.Client, _: Engine, tokens: Tokens) -> object:
    body = {"username": "johndoe", "password": "securepass123"}
    other = client.post(f"{AUTH}/login", json=body).json()
    return client.delete(f"{AUTH}/sessions", headers=proof(other))


def deactivate(client: httpx.Client, engine: Engine, tokens: Tokens) -> object:
    run(engine, "UPDATE users SET is_superuser = username = 'root'")
    body = {"username": "root", "password": "securepass123"}
    root = client.post(f"{AUTH}/login", json=body).json()
    account = f"{AUTH}/users/{verify(KEYS, tokens['access_token']).user_id}"
    return client.patch(account, json={"is_active": False}, headers=proof(root))


def delete(_: httpx.Client, engine: Engine, tokens: Tokens) -> object:
    with engine.begin() as connection:
        return connection.execute(text("DELETE FROM users WHERE username = 'johndoe'"))


def make_room(client: httpx.Client, engine: Engine, _: Tokens) -> object:
    run(
        engine,
        "INSERT INTO sessions (id, user_id, digest, expires_at)"
        " SELECT gen_random_uuid(), id, '', now() + interval '1 day'"
        " FROM users, generate_series(1, 100) WHERE username = 'johndoe'",
    )
    body = {"username": "johndoe", "password": "securepass123"}
    return client.post(f"{AUTH}/login", json=body)


def run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    "end",
    [
        sign_out,
        reuse,
        change_password,
        end_it,
        end_others,
        deactivate,
        delete,
        make_room,
    ],
)
def test_each_way_in_which_a_session_ends_is_reported(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn, end: End
) -> None:
    register(username="root", email="root@example.com")
    register()
    tokens, others = log_in(), log_in(username="root")
    position, before = ended(client)

    end(client, engine, tokens)

    assert before == set()
    assert name(tokens) in ended(client, position)[1]
    assert name(others) not in ended(client)[1]


def test_a_session_that_goes_on_is_not_reported(
    client: httpx.Client, register: Register, log_in: LogIn
) -> None:
    register()
    refresh(client, log_in())

    assert ended(client)[1] == set()


def test_only_new_ends_are_reported_and_all_of_them_to_a_reader_that_has_just_started(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn
) -> None:
    register()
    first, second = log_in(), log_in()
    sign_out(client, engine, first)
    position, _ = ended(client)
    sign_out(client, engine, second)

    following, news = ended(client, position)

    assert news == {name(second)}
    assert ended(client, following)[1] == set()
    assert ended(client)[1] == {name(first), name(second)}


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection, connection.begin():
        yield connection


def test_an_end_that_takes_long_to_write_is_reported_even_after_later_ones(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn
) -> None:
    register()
    slow, fast = log_in(), log_in()
    with transaction(engine) as connection:
        statement = text("DELETE FROM sessions WHERE id = :id")
        connection.execute(statement, {"id": name(slow)})
        sign_out(client, engine, fast)
        position, news = ended(client)
        assert news == {name(fast)}

    assert name(slow) in ended(client, position)[1]


def test_a_position_of_another_database_means_all(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn
) -> None:
    register()
    tokens = log_in()
    sign_out(client, engine, tokens)

    assert ended(client, 2**62)[1] == {name(tokens)}


def test_an_end_is_reported_while_an_access_token_of_the_session_may_be_valid(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn
) -> None:
    register()
    living, dead, long_dead = log_in(), log_in(), log_in()
    for tokens, seconds in ((living, 1190), (dead, 1210), (long_dead, 90_001)):
        with engine.begin() as connection:
            statement = text(
                "UPDATE sessions SET used_at = now() - make_interval(secs => :s) WHERE id = :id"
            )
            connection.execute(statement, {"s": seconds, "id": name(tokens)})
        sign_out(client, engine, tokens)

    assert ended(client)[1] == {name(living)}
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ended_sessions")).scalar_one() == 2


def test_ends_that_no_reader_asks_for_any_more_are_deleted_at_the_next_login(
    client: httpx.Client, engine: Engine, register: Register, log_in: LogIn
) -> None:
    register()
    tokens = log_in()
    sign_out(client, engine, tokens)
    run(engine, "UPDATE ended_sessions SET used_at = now() - interval '26 hours'")

    log_in()

    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ended_sessions")).scalar_one() == 0


def test_thousands_of_ends_are_one_answer(client: httpx.Client, engine: Engine) -> None:
    run(
        engine,
        "INSERT INTO ended_sessions (session_id, used_at)"
        " SELECT gen_random_uuid(), now() FROM generate_series(1, 20000)",
    )

    assert len(ended(client)[1]) == 20_000


@pytest.mark.parametrize("after", ["-1", "x", str(2**63), ""])
def test_an_invalid_position_is_a_422(client: httpx.Client, after: str) -> None:
    assert_problem(client.get(PATH, params={"after": after}), 422)


def test_the_public_document_does_not_name_it(client: httpx.Client) -> None:
    assert not [path for path in client.get("/openapi.json").json()["paths"] if "ended" in path]
