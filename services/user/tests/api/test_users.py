"""Administration of accounts by superusers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import KEYS, bearer
from servicekit.tokens import verify

Headers = dict[str, str]
Register = Callable[..., dict[str, Any]]
LogIn = Callable[..., dict[str, Any]]
SignIn = Callable[..., Headers]

USERS = "/api/v1/auth/users"
REFRESH = "/api/v1/auth/refresh"


def run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


@pytest.fixture
def root(register: Register, sign_in: SignIn, engine: Engine) -> Headers:
    """Return the header of a superuser, the account 1."""
    register(username="root", email="root@example.com")
    run(engine, "UPDATE users SET is_superuser = true WHERE username = 'root'")
    return sign_in(username="root")


@pytest.fixture
def john(root: Headers, register: Register) -> str:
    """Return the address of an ordinary account, 2."""
    return f"{USERS}/{register(full_name='Jürgen 100%_')['id']}"


def usernames(client: httpx.Client, root: Headers, **query: Any) -> list[str]:
    answer = client.get(USERS, params=query, headers=root)
    assert answer.status_code == 200, answer.text
    return [user["username"] for user in answer.json()]


@pytest.mark.parametrize("path", [USERS, f"{USERS}/"])
def test_a_superuser_sees_everybody_as_they_see_themselves(
    client: httpx.Client, root: Headers, register: Register, path: str
) -> None:
    john = register()

    answer = client.get(path, headers=root)

    assert [user["username"] for user in answer.json()] == ["root", "johndoe"]
    assert answer.json()[1] == john
    assert "link" not in answer.headers


def test_the_pages_hold_everybody_once_while_others_register(
    client: httpx.Client, root: Headers, register: Register
) -> None:
    names = ["root", *(f"user{number}" for number in range(6))]
    for name in names[1:]:
        register(username=name, email=f"{name}@example.com")
    address, found = f"{USERS}?limit=3&q=example.com", []
    while address:
        answer = client.get(address, headers=root)
        found.append([user["username"] for user in answer.json()])
        if len(found) == 1:
            register(username="late", email="late@example.com")
        link = answer.headers.get("link", "")
        assert not link or link.endswith('; rel="next"')
        address = link.removeprefix("<").split(">")[0]

    assert found == [names[:3], names[3:6], [names[6], "late"]]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("JOHND", ["johndoe"]),
        ("john@EXAMPLE", ["johndoe"]),
        ("jürgen", ["johndoe"]),
        ("o", ["root", "johndoe"]),
        ("100%_", ["johndoe"]),
        ("%", ["johndoe"]),
        ("_", ["johndoe"]),
        ("/", []),
        ("'", []),
    ],
)
def test_a_search_finds_the_text_itself_in_any_name(
    client: httpx.Client, root: Headers, john: str, q: str, found: list[str]
) -> None:
    assert usernames(client, root, q=q) == found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "x"),
        ("q", ""),
        ("q", "x" * 255),
        ("q", "\x00"),
        ("cursor", ""),
        ("cursor", "x"),
        ("cursor", "\N{SNOWMAN}"),
        ("cursor", "-1"),
        ("cursor", str(2**31)),
    ],
)
def test_an_invalid_query_is_refused(
    client: httpx.Client, root: Headers, field: str, value: str
) -> None:
    answer = client.get(USERS, params={field: value}, headers=root)

    assert_problem(answer, 422)
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_parameter_given_twice_is_refused_by_name(client: httpx.Client, root: Headers) -> None:
    answer = client.get(f"{USERS}?limit=1&q=a&limit=2", headers=root)

    assert_problem(answer, 422)
    assert [error["field"] for error in answer.json()["errors"]] == ["limit"]


def test_only_superusers_get_in(client: httpx.Client, john: str, log_in: LogIn) -> None:
    # What counts is what the database says, not the token.
    session = verify(KEYS, log_in()["access_token"]).session_id
    for claim in (False, True):
        headers = bearer(2, is_superuser=claim, session_id=session)
        for answer in (
            client.get(USERS, headers=headers),
            client.patch(john, json={"is_superuser": True}, headers=headers),
            client.patch(f"{USERS}/999", json="nonsense", headers=headers),
        ):
            assert_problem(answer, 403)
            assert answer.json()["type"] == "/problems/forbidden"


def test_nobody_gets_in_without_a_token(client: httpx.Client) -> None:
    assert_problem(client.get(USERS), 401)
    assert_problem(client.patch(f"{USERS}/1", json={}), 401)


def test_a_demoted_superuser_is_out_at_once(
    client: httpx.Client, root: Headers, engine: Engine
) -> None:
    run(engine, "UPDATE users SET is_superuser = false")

    assert_problem(client.get(USERS, headers=root), 403)


def test_a_deactivated_account_is_signed_out_everywhere_and_stays_out(
    client: httpx.Client, root: Headers, john: str, log_in: LogIn
) -> None:
    sessions = [log_in(), log_in()]

    answer = client.patch(john, json={"is_active": False}, headers=root)

    assert answer.status_code == 200
    assert (answer.json()["is_active"], answer.json()["is_superuser"]) == (False, False)
    for tokens in sessions:
        body = {"refresh_token": tokens["refresh_token"]}
        assert_problem(client.post(REFRESH, json=body), 401)
    headers = {"Authorization": f"Bearer {sessions[0]['access_token']}"}
    assert_problem(client.get("/api/v1/auth/me", headers=headers), 401)
    body = {"username": "johndoe", "password": "securepass123"}
    assert_problem(client.post("/api/v1/auth/login", json=body), 401)


def test_a_reactivated_account_signs_in_anew(
    client: httpx.Client, root: Headers, john: str, log_in: LogIn
) -> None:
    before = log_in()
    client.patch(john, json={"is_active": False}, headers=root)

    assert client.patch(john, json={"is_active": True}, headers=root).json()["is_active"]

    assert_problem(client.post(REFRESH, json={"refresh_token": before["refresh_token"]}), 401)
    assert log_in()


def test_a_promoted_user_may_do_the_same(
    client: httpx.Client, root: Headers, john: str, sign_in: SignIn
) -> None:
    headers = sign_in()
    assert client.patch(john, json={"is_superuser": True}, headers=root).json()["is_superuser"]

    assert usernames(client, headers) == ["root", "johndoe"]
    assert client.patch(f"{USERS}/1", json={"is_superuser": False}, headers=headers).json()["id"]
    assert_problem(client.get(USERS, headers=root), 403)


@pytest.mark.parametrize("body", [{}, {"username": "other", "email": "x", "id": 7}])
def test_nothing_else_can_be_changed(
    client: httpx.Client, root: Headers, john: str, body: dict[str, Any]
) -> None:
    before = client.get(USERS, headers=root).json()[1]

    answer = client.patch(john, json=body, headers=root)

    assert answer.status_code == 200
    assert {**answer.json(), "updated_at": ""} == {**before, "updated_at": ""}


@pytest.mark.parametrize(
    ("field", "value"),
    [("is_active", None), ("is_active", "yes"), ("is_superuser", 1), ("is_superuser", [])],
)
def test_a_flag_is_true_or_false(
    client: httpx.Client, root: Headers, john: str, field: str, value: Any
) -> None:
    answer = client.patch(john, json={field: value}, headers=root)

    assert_problem(answer, 422)
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("body", [{"is_superuser": True}, {}])
def test_an_account_that_is_not_there_is_a_404(
    client: httpx.Client, root: Headers, body: dict[str, Any]
) -> None:
    answer = client.patch(f"{USERS}/999", json=body, headers=root)

    assert_problem(answer, 404)
    assert answer.json()["type"] == "/problems/account-not-found"


@pytest.mark.parametrize("user_id", ["0", "-1", "x", str(2**31)])
def test_an_impossible_id_is_a_422(client: httpx.Client, root: Headers, user_id: str) -> None:
    assert_problem(client.patch(f"{USERS}/{user_id}", json={}, headers=root), 422)


@pytest.mark.parametrize("change", [{"is_superuser": False}, {"is_active": False}])
def test_the_last_superuser_stays(
    client: httpx.Client, root: Headers, register: Register, engine: Engine, change: dict[str, bool]
) -> None:
    register()
    run(engine, "UPDATE users SET is_superuser = true, is_active = false WHERE id = 2")

    answer = client.patch(f"{USERS}/1", json=change, headers=root)

    assert_problem(answer, 409)
    assert answer.json()["type"] == "/problems/last-superuser"
    assert usernames(client, root) == ["root", "johndoe"]
    assert client.patch(f"{USERS}/1", json={"is_active": True}, headers=root).status_code == 200


def test_superusers_who_demote_each_other_at_once_leave_one(
    client: httpx.Client, root: Headers, register: Register, sign_in: SignIn, engine: Engine
) -> None:
    callers = [root]
    for number in range(2, 7):
        register(username=f"user{number}", email=f"user{number}@example.com")
        callers.append(sign_in(username=f"user{number}"))
    run(engine, "UPDATE users SET is_superuser = true")

    def demote(number: int) -> int:
        address = f"{USERS}/{number % 6 + 1}"
        headers = callers[number - 1]
        return client.patch(address, json={"is_superuser": False}, headers=headers).status_code

    with ThreadPoolExecutor(6) as threads:
        statuses = set(threads.map(demote, range(1, 7)))

    assert statuses <= {200, 403, 409}
    with engine.connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM users WHERE is_superuser"))
        assert left.scalar_one() >= 1
