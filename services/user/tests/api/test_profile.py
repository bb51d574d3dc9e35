"""Changes of a profile: of the name, of the address, and of nothing else."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import bearer

Register = Callable[..., dict[str, Any]]
SignIn = Callable[..., dict[str, str]]

ME = "/api/v1/auth/me"
PASSWORD = "/api/v1/auth/me/password"
PROOF = {"current_password": "securepass123"}


def test_the_token_leads_to_its_own_account(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register(username="other", email="other@example.com")
    user = register()

    assert client.get(ME, headers=sign_in()).json() == user


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({"full_name": "J. Doe"}, {"full_name": "J. Doe"}),
        ({"full_name": None}, {"full_name": None}),
        (PROOF | {"email": "Doe@EXAMPLE.org"}, {"email": "Doe@example.org"}),
        (PROOF | {"email": "JOHN@example.com"}, {"email": "JOHN@example.com"}),
        (
            PROOF | {"email": "doe@example.org", "full_name": "J"},
            {"email": "doe@example.org", "full_name": "J"},
        ),
    ],
)
def test_the_given_fields_change_and_the_others_stay(
    client: httpx.Client,
    register: Register,
    sign_in: SignIn,
    changes: dict[str, Any],
    after: dict[str, Any],
) -> None:
    before = register(full_name="John Doe")

    answer = client.patch(ME, json=changes, headers=sign_in())

    assert answer.status_code == 200
    changed = answer.json()
    assert changed.pop("updated_at") > before.pop("updated_at")
    assert changed == {**before, **after}
    assert client.get(ME, headers=sign_in()).json()["email"] == changed["email"]


@pytest.mark.parametrize(
    "changes",
    [{}, {"is_superuser": True, "username": "root", "is_active": False, "id": 7, "password": "x"}],
)
def test_what_cannot_be_changed_stays(
    client: httpx.Client, register: Register, sign_in: SignIn, changes: dict[str, Any]
) -> None:
    before = register()

    answer = client.patch(ME, json=changes, headers=sign_in())

    assert answer.status_code == 200
    assert answer.json() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", None), ("email", ""), ("email", "x"), ("full_name", ""), ("full_name", "x" * 256)],
)
def test_an_invalid_change_is_refused(
    client: httpx.Client, register: Register, sign_in: SignIn, field: str, value: Any
) -> None:
    register()

    answer = client.patch(ME, json={field: value}, headers=sign_in())

    assert_problem(answer, 422)
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_address_of_another_account_is_a_409(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register(username="other", email="other@example.com")
    register()

    body = PROOF | {"email": "OTHER@example.com"}
    answer = client.patch(ME, json=body, headers=sign_in())

    assert_problem(answer, 409)
    assert answer.json()["type"] == "/problems/email-taken"


@pytest.mark.parametrize(
    ("given", "status", "kind"),
    [
        ({}, 422, "invalid-request"),
        ({"current_password": None}, 422, "invalid-request"),
        ({"current_password": "a wrong one"}, 403, "wrong-password"),
    ],
)
def test_the_address_changes_only_with_the_password(
    client: httpx.Client,
    register: Register,
    sign_in: SignIn,
    given: dict[str, Any],
    status: int,
    kind: str,
) -> None:
    before = register(full_name="John Doe")
    body = {"email": "thief@example.com", "full_name": "Thief", **given}

    answer = client.patch(ME, json=body, headers=sign_in())

    assert_problem(answer, status)
    assert answer.json()["type"] == f"/problems/{kind}"
    if status == 422:
        assert [error["field"] for error in answer.json()["errors"]] == ["current_password"]
    assert client.get(ME, headers=sign_in()).json() == before


def test_guessing_the_password_at_a_change_of_the_address_ends_in_a_429(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register()
    headers = sign_in()
    body = {"email": "thief@example.com", "current_password": "a wrong one"}
    for _ in range(10):
        assert client.patch(ME, json=body, headers=headers).status_code == 403

    answer = client.patch(ME, json=body | PROOF, headers=headers)

    assert_problem(answer, 429)
    assert int(answer.headers["retry-after"]) > 0


def test_a_name_changes_without_the_password(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register()

    answer = client.patch(ME, json={"full_name": "J. Doe"}, headers=sign_in())

    assert answer.status_code == 200


def test_a_new_password_replaces_the_old_one(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register()
    body = {"current_password": "securepass123", "new_password": "an even better one"}

    answer = client.post(PASSWORD, json=body, headers=sign_in())

    assert (answer.status_code, answer.content) == (204, b"")
    assert sign_in(password="an even better one")
    old = {"username": "johndoe", "password": "securepass123"}
    assert client.post("/api/v1/auth/login", json=old).status_code == 401


def test_the_current_password_has_to_be_known(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register()
    body = {"current_password": "a wrong one", "new_password": "an even better one"}

    answer = client.post(PASSWORD, json=body, headers=sign_in())

    assert_problem(answer, 403)
    assert answer.json()["type"] == "/problems/wrong-password"
    assert sign_in()


@pytest.mark.parametrize("new", [None, "", "short12", "x" * 129, "secure\x00pass"])
def test_the_new_password_obeys_the_rules_of_registration(
    client: httpx.Client, register: Register, sign_in: SignIn, new: str | None
) -> None:
    register()
    body = {"current_password": "securepass123", "new_password": new}

    assert_problem(client.post(PASSWORD, json=body, headers=sign_in()), 422)


@pytest.mark.parametrize("new", ["Password1", "JohnDoe1", "john@example.com"])
def test_a_new_password_that_is_easy_to_guess_is_refused_and_says_why(
    client: httpx.Client, register: Register, sign_in: SignIn, new: str
) -> None:
    register(username="johndoe1")
    body = {"current_password": "securepass123", "new_password": new}

    answer = client.post(PASSWORD, json=body, headers=sign_in(username="johndoe1"))

    assert_problem(answer, 422)
    assert answer.json()["type"] == "/problems/password-refused"
    assert [error["field"] for error in answer.json()["errors"]] == ["new_password"]
    assert sign_in(username="johndoe1")


@pytest.mark.parametrize("fate", ["UPDATE users SET is_active = false", "DELETE FROM users"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", ME, None),
        ("PATCH", ME, {"full_name": "J"}),
        ("PATCH", ME, {}),
        ("POST", PASSWORD, {"current_password": "securepass123", "new_password": "better123"}),
    ],
)
def test_the_token_of_an_account_no_longer_active_is_refused_at_once(
    client: httpx.Client,
    register: Register,
    sign_in: SignIn,
    engine: Engine,
    fate: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    register()
    headers = sign_in()
    with engine.begin() as connection:
        connection.execute(text(fate))

    answer = client.request(method, path, json=body, headers=headers)

    assert_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), [("GET", ME), ("PATCH", ME), ("POST", PASSWORD)])
def test_nothing_is_reached_without_a_token(client: httpx.Client, method: str, path: str) -> None:
    assert_problem(client.request(method, path, json={}), 401)


def test_a_token_for_an_account_that_never_was_is_refused(client: httpx.Client) -> None:
    assert_problem(client.get(ME, headers=bearer(2**31 - 1)), 401)
