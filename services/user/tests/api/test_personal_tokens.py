"""Personal access tokens: made with the password, shown once, revoked by their owner."""

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine, text

from servicekit.ended_sessions import PATH as ENDED
from servicekit.personal_tokens import PATH
from servicekit.testing.conformance import assert_problem

Register = Callable[..., dict[str, Any]]
SignIn = Callable[..., dict[str, str]]

AUTH = "/api/v1/auth"
TOKENS = f"{AUTH}/tokens"
DRAFT = {"name": "ci", "scopes": ["tasks:read"], "current_password": "securepass123"}


def create(client: httpx.Client, proof: dict[str, str], **changes: Any) -> dict[str, Any]:
    answer = client.post(TOKENS, json=DRAFT | changes, headers=proof)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    made: dict[str, Any] = answer.json()
    return made


def look_up(client: httpx.Client, token: str) -> httpx.Response:
    return client.get(PATH, headers={"Authorization": f"Bearer {token}"})


def run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_a_token_is_shown_once_and_only_its_digest_is_stored(
    client: httpx.Client, register: Register, sign_in: SignIn, engine: Engine
) -> None:
    register()
    proof = sign_in()
    made = create(client, proof)

    assert made["token"].startswith("ttpat_")
    assert len(made["token"]) == 6 + 43
    [listed] = client.get(TOKENS, headers=proof).json()
    assert listed == {name: value for name, value in made.items() if name != "token"}
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM personal_tokens")).one()
    assert bytes(row.digest) == hashlib.sha256(made["token"].encode()).digest()
    assert made["token"] not in str(row)


def test_a_service_that_asks_hears_what_a_token_grants_and_the_owner_when_it_was_used(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    user, proof = register(), sign_in()
    both = ["tasks:write", "tasks:read"]
    made = create(client, proof, scopes=both, expires_in_days=1)
    assert made["last_used_at"] is None

    grant = look_up(client, made["token"]).json()

    assert grant.pop("seconds") == pytest.approx(86_400, abs=60)
    assert grant == {"id": made["id"], "user_id": user["id"], "scopes": sorted(both)}
    assert client.get(TOKENS, headers=proof).json()[0]["last_used_at"]


def revoked(client: httpx.Client, engine: Engine, proof: dict[str, str], token_id: str) -> None:
    assert client.delete(f"{TOKENS}/{token_id}", headers=proof).status_code == 204


def expired(client: httpx.Client, engine: Engine, proof: dict[str, str], token_id: str) -> None:
    run(engine, "UPDATE personal_tokens SET expires_at = now()")


def deactivated(client: httpx.Client, engine: Engine, proof: dict[str, str], token_id: str) -> None:
    run(engine, "UPDATE users SET is_superuser = username = 'root'")
    body = {"username": "root", "password": "securepass123"}
    root = client.post(f"{AUTH}/login", json=body).json()["access_token"]
    headers = {"Authorization": f"Bearer {root}"}
    owner = client.get(f"{AUTH}/me", headers=proof).json()["id"]
    for active in (False, True):
        body_ = {"is_active": active}
        client.patch(f"{AUTH}/users/{owner}", json=body_, headers=headers).raise_for_status()


def inactive(client: httpx.Client, engine: Engine, proof: dict[str, str], token_id: str) -> None:
    run(engine, "UPDATE users SET is_active = username = 'root'")


def deleted(client: httpx.Client, engine: Engine, proof: dict[str, str], token_id: str) -> None:
    run(engine, "DELETE FROM users WHERE username = 'johndoe'")


@pytest.mark.parametrize("end", [revoked, expired, deactivated, inactive, deleted])
def test_an_ended_token_grants_nothing_and_its_end_is_reported_to_the_services(
    client: httpx.Client,
    register: Register,
    sign_in: SignIn,
    engine: Engine,
    end: Callable[[httpx.Client, Engine, dict[str, str], str], None],
) -> None:
    register(username="root", email="root@example.com")
    register()
    proof = sign_in()
    made = create(client, proof)
    assert look_up(client, made["token"]).status_code == 200

    end(client, engine, proof, made["id"])

    assert_problem(look_up(client, made["token"]), 404)
    told = made["id"] in client.get(ENDED).json()["sessions"]
    # What services remember they forget after a minute, and when the token expires.
    assert told is (end in (revoked, deactivated, deleted))


def test_a_new_password_leaves_the_tokens_of_programs(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register()
    proof = sign_in()
    made = create(client, proof)
    body = {"current_password": "securepass123", "new_password": "an even better one"}

    assert client.post(f"{AUTH}/me/password", json=body, headers=proof).status_code == 204

    assert look_up(client, made["token"]).status_code == 200


@pytest.mark.parametrize("token", ["ttpat_" + "x" * 43, "ttpat_", "x"])
def test_a_token_that_never_was_is_a_404(client: httpx.Client, token: str) -> None:
    assert_problem(look_up(client, token), 404)


def test_an_introspection_without_a_token_is_refused(client: httpx.Client) -> None:
    assert_problem(client.get(PATH), 401)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"current_password": "a wrong one"}, 403),
        ({"current_password": None}, 422),
        ({"name": ""}, 422),
        ({"name": "x" * 101}, 422),
        ({"scopes": []}, 422),
        ({"scopes": ["everything"]}, 422),
        ({"scopes": "tasks:read"}, 422),
        ({"expires_in_days": 0}, 422),
        ({"expires_in_days": 366}, 422),
    ],
)
def test_a_token_that_may_not_be_made_is_refused(
    client: httpx.Client, register: Register, sign_in: SignIn, changes: dict[str, Any], status: int
) -> None:
    register()
    proof = sign_in()

    assert_problem(client.post(TOKENS, json=DRAFT | changes, headers=proof), status)

    assert client.get(TOKENS, headers=proof).json() == []


def test_guessing_the_password_ends_in_a_429(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register()
    proof = sign_in()
    for _ in range(10):
        wrong = DRAFT | {"current_password": "a wrong one"}
        assert client.post(TOKENS, json=wrong, headers=proof).status_code == 403

    assert_problem(client.post(TOKENS, json=DRAFT, headers=proof), 429)


def test_an_account_has_fifty_tokens_and_expired_ones_make_room(
    client: httpx.Client, register: Register, sign_in: SignIn, engine: Engine
) -> None:
    register()
    proof = sign_in()
    run(
        engine,
        "INSERT INTO personal_tokens (user_id, name, scopes, digest, expires_at)"
        " SELECT 1, 'x', 'tasks:read', decode(md5(n::text), 'hex'), now() + interval '1 day'"
        " FROM generate_series(1, 50) AS n",
    )

    answer = client.post(TOKENS, json=DRAFT, headers=proof)
    assert_problem(answer, 409)
    assert answer.json()["type"] == "/problems/too-many-tokens"

    run(engine, "UPDATE personal_tokens SET expires_at = now() - interval '1 s'")
    create(client, proof)
    assert len(client.get(TOKENS, headers=proof).json()) == 1


def test_tokens_of_another_account_are_not_listed_and_cannot_be_ended(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register()
    register(username="other", email="other@example.com")
    made, others = create(client, sign_in()), sign_in(username="other")

    assert client.get(TOKENS, headers=others).json() == []
    for token_id in (made["id"], uuid4()):
        answer = client.delete(f"{TOKENS}/{token_id}", headers=others)
        assert_problem(answer, 404)
        assert answer.json()["type"] == "/problems/token-not-found"
    assert look_up(client, made["token"]).status_code == 200


def test_an_invalid_token_id_is_a_422(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register()
    assert_problem(client.delete(f"{TOKENS}/1", headers=sign_in()), 422)


def test_a_token_opens_no_account(
    client: httpx.Client, register: Register, sign_in: SignIn
) -> None:
    register()
    made = create(client, sign_in(), scopes=["tasks:read", "tasks:write"])
    headers = {"Authorization": f"Bearer {made['token']}"}

    for method, path, body in (
        ("GET", "/me", None),
        ("PATCH", "/me", {"full_name": "J"}),
        ("POST", "/tokens", DRAFT),
        ("GET", "/tokens", None),
        ("DELETE", f"/tokens/{made['id']}", None),
        ("GET", "/sessions", None),
        ("DELETE", "/sessions", None),
        ("GET", "/users", None),
    ):
        answer = client.request(method, AUTH + path, json=body, headers=headers)
        assert_problem(answer, 403)


def test_the_public_document_does_not_name_where_services_ask(client: httpx.Client) -> None:
    assert PATH not in client.get("/openapi.json").json()["paths"]
