"""Registration: accepted bodies, refused bodies, and names that are taken."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from servicekit.testing.conformance import assert_problem

Register = Callable[..., dict[str, Any]]
SignIn = Callable[..., dict[str, str]]

REGISTER = "/api/v1/auth/register"
JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}


def test_a_new_user_is_answered_without_any_password(client: httpx.Client) -> None:
    answer = client.post(REGISTER, json={**JOHN, "full_name": "John Doe"})

    assert answer.status_code == 201
    user = answer.json()
    assert user.pop("created_at") == user.pop("updated_at")
    assert user == {
        "id": 1,
        "email": "john@example.com",
        "username": "johndoe",
        "full_name": "John Doe",
        "is_active": True,
        "is_superuser": False,
    }


def test_the_password_is_stored_hashed_only(register: Register, engine: Engine) -> None:
    register()

    with engine.connect() as connection:
        stored = connection.execute(text("SELECT hashed_password FROM users")).scalar_one()
    assert stored.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert JOHN["password"] not in stored


def test_registration_makes_no_superuser(client: httpx.Client) -> None:
    answer = client.post(REGISTER, json={**JOHN, "is_superuser": True})

    assert answer.json()["is_superuser"] is False


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"username": "other"}, "/problems/email-taken"),
        ({"username": "other", "email": "JOHN@Example.COM"}, "/problems/email-taken"),
        ({"email": "other@example.com"}, "/problems/username-taken"),
        ({"email": "other@example.com", "username": "JohnDoe"}, "/problems/username-taken"),
    ],
)
def test_a_taken_name_is_refused_in_whatever_case(
    client: httpx.Client, register: Register, changes: dict[str, Any], kind: str
) -> None:
    register()

    answer = client.post(REGISTER, json={**JOHN, **changes})

    assert_problem(answer, 409)
    assert answer.json()["type"] == kind


def test_one_of_many_that_register_the_same_name_at_once_wins(client: httpx.Client) -> None:
    with ThreadPoolExecutor(10) as threads:
        statuses = [
            answer.status_code
            for answer in threads.map(lambda _: client.post(REGISTER, json=JOHN), range(10))
        ]

    assert sorted(statuses) == [201] + [409] * 9


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", None),
        ("email", ""),
        ("email", "john"),
        ("email", "John <john@example.com>"),
        ("email", "x" * 250 + "@example.com"),
        ("email", "john\x00@example.com"),
        ("email", {"$ne": ""}),
        ("username", None),
        ("username", "ab"),
        ("username", "x" * 101),
        ("username", "john doe"),
        ("username", "john@example.com"),
        ("username", "johndoe\n"),
        ("username", "j\u00f6hn"),
        ("username", 12345),
        ("password", None),
        ("password", "short12"),
        ("password", "x" * 129),
        ("password", "securepass\x00123"),
        ("password", ["securepass123"]),
        ("full_name", ""),
        ("full_name", "x" * 256),
        ("full_name", "John\x00Doe"),
        ("full_name", 1e308),
    ],
)
def test_an_invalid_field_is_named_and_never_echoed(
    client: httpx.Client, field: str, value: Any
) -> None:
    answer = client.post(REGISTER, json={**JOHN, field: value})

    assert_problem(answer, 422)
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "securepass" not in answer.text


@pytest.mark.parametrize(
    "password", ["Password1", "JohnDoe1", "John.Doe", "john@example.com", "tasktracker", " " * 8]
)
def test_a_password_that_is_easy_to_guess_is_refused_and_says_why(
    client: httpx.Client, password: str
) -> None:
    account = {**JOHN, "username": "johndoe1", "full_name": "John Doe", "password": password}
    answer = client.post(REGISTER, json=account)

    assert_problem(answer, 422)
    assert answer.json()["type"] == "/problems/password-refused"
    [error] = answer.json()["errors"]
    assert error["field"] == "password"
    assert error["message"].startswith("This is ")
    assert password not in answer.text


@pytest.mark.parametrize(
    "password", ["x7_qm4vb", "correct horse battery " * 5 + "x7_qm4vb correct h"]
)
def test_a_password_at_its_limits_is_taken(
    register: Register, sign_in: SignIn, password: str
) -> None:
    register(password=password)

    assert sign_in(password=password)


def test_a_password_is_the_same_however_its_characters_are_composed(
    register: Register, sign_in: SignIn
) -> None:
    register(password="cafe\N{COMBINING ACUTE ACCENT} au lait")

    assert sign_in(password="caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait")


@pytest.mark.parametrize("username", ["abc", "x" * 100, "J.o-h_n9"])
def test_a_username_at_its_limits_is_taken(register: Register, username: str) -> None:
    assert register(username=username)["username"] == username


def test_missing_fields_are_named(client: httpx.Client) -> None:
    answer = client.post(REGISTER, json={})

    assert_problem(answer, 422)
    missing = {error["field"] for error in answer.json()["errors"]}
    assert missing == {"email", "username", "password"}
