"""Login as JSON and as a form."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import KEYS
from servicekit.tokens import verify

Register = Callable[..., dict[str, Any]]
SignIn = Callable[..., dict[str, str]]
Ask = Callable[[httpx.Client, str, str], httpx.Response]

LOGIN = "/api/v1/auth/login"
TOKEN = "/api/v1/auth/token"


def as_json(client: httpx.Client, username: str, password: str) -> httpx.Response:
    return client.post(LOGIN, json={"username": username, "password": password})


def as_form(client: httpx.Client, username: str, password: str) -> httpx.Response:
    return client.post(TOKEN, data={"username": username, "password": password})


both_ways = pytest.mark.parametrize("ask", [as_json, as_form])


@both_ways
@pytest.mark.parametrize("username", ["johndoe", "JohnDoe", "john@example.com", "JOHN@EXAMPLE.com"])
def test_either_name_in_whatever_case_gives_a_token(
    client: httpx.Client, register: Register, ask: Ask, username: str
) -> None:
    user = register()

    answer = ask(client, username, "securepass123")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()
    principal = verify(KEYS, token.pop("access_token"))
    assert (principal.user_id, principal.is_superuser) == (user["id"], False)
    assert len(token.pop("refresh_token")) == 64
    assert token == {"token_type": "bearer", "expires_in": 900}


def test_the_form_that_swagger_sends_is_taken(client: httpx.Client, register: Register) -> None:
    register()
    form = {
        "grant_type": "password",
        "username": "johndoe",
        "password": "securepass123",
        "scope": "",
        "client_id": "",
        "client_secret": "",
    }

    assert client.post(TOKEN, data=form).status_code == 200


def test_an_address_signs_in_as_it_was_typed_at_registration(
    register: Register, sign_in: SignIn
) -> None:
    typed = "Je\u0301ro\u0302me@EXAMPLE.com"
    assert register(email=typed)["email"] == "J\u00e9r\u00f4me@example.com"

    assert sign_in(username=typed)


def test_a_superuser_is_one_in_the_token(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET is_superuser = true"))

    token = as_json(client, "johndoe", "securepass123").json()["access_token"]

    assert verify(KEYS, token).is_superuser


@both_ways
def test_every_failure_reads_the_same(
    client: httpx.Client, register: Register, engine: Engine, ask: Ask
) -> None:
    register()
    register(username="gone", email="gone@example.com")
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET is_active = false WHERE username = 'gone'"))

    answers = [
        ask(client, "johndoe", "wrong password"),
        ask(client, "johndoe", "x"),
        ask(client, "nobody", "securepass123"),
        ask(client, "nobody@example.com", "securepass123"),
        ask(client, "not@an@address", "securepass123"),
        ask(client, "%", "securepass123"),
        ask(client, "' OR 1=1 --", "securepass123"),
        ask(client, "gone", "securepass123"),
    ]

    for answer in answers:
        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    shared = [{**answer.json(), "request_id": ""} for answer in answers]
    assert shared == [shared[0]] * len(shared)


@pytest.mark.parametrize(
    "password",
    [
        "\u5bc6\u7801\u5f88\u957f\u4e5f\u5f88\u597d!" * 14 + "\u5bc6\u7801",
        "p\u00e4ssw\u00f6rd-\N{KEY}",
        "q z 4 w ",
    ],
)
def test_long_and_unicode_passwords_count_to_the_last_character(
    client: httpx.Client, register: Register, sign_in: SignIn, password: str
) -> None:
    register(password=password)

    assert sign_in(password=password)
    assert as_json(client, "johndoe", password[:-1] + "x").status_code == 401
    assert as_json(client, "johndoe", password[:-1] or "x").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "johndoe"},
        {"username": "", "password": "securepass123"},
        {"username": "johndoe", "password": ""},
        {"username": "johndoe", "password": "x" * 129},
        {"username": "x" * 255, "password": "securepass123"},
        {"username": "a\x00b", "password": "securepass123"},
        {"username": "johndoe", "password": "secure\x00pass"},
        {"username": ["johndoe"], "password": {"a": 1}},
        {"username": True, "password": 12345678},
    ],
)
def test_a_body_that_is_no_sign_in_is_a_422(client: httpx.Client, body: Any) -> None:
    assert_problem(client.post(LOGIN, json=body), 422)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"username=johndoe", "application/x-www-form-urlencoded"),
        (b"username=a%00b&password=x", "application/x-www-form-urlencoded"),
        (b"username=%ff%fe&password=%ed%a0%80", "application/x-www-form-urlencoded"),
        (b"grant_type=implicit&username=a&password=b", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"&" * 5000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % i for i in range(5000)), "application/x-www-form-urlencoded"),
        (b"rubbish", "multipart/form-data; boundary=x"),
        (b"rubbish", "multipart/form-data"),
        (b"rubbish", "multipart/form-data; boundary=" + "x" * 3000),
        (
            b'--x\r\nContent-Disposition: form-data; name="username"; filename="f"\r\n\r\n'
            b"a\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
        (b'{"username": "johndoe", "password": "x"}', "application/json"),
        (b"username=a&password=b", "text/plain; charset=nonsense"),
    ],
)
def test_a_hostile_form_is_the_callers_error(
    client: httpx.Client, content: bytes, media_type: str
) -> None:
    answer = client.post(TOKEN, content=content, headers={"Content-Type": media_type})

    assert 400 <= answer.status_code < 500
    assert_problem(answer, answer.status_code)
