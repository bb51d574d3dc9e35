"""Ways in which a session ends, as calls on a client: by its owner, or by a misused token."""

from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import Engine

from servicekit.testing.credentials import KEYS
from servicekit.tokens import verify

Tokens = dict[str, Any]

AUTH = "/api/v1/auth"
PASSWORDS = {"current_password": "securepass123", "new_password": "an even better one"}


def proof(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def name(tokens: Tokens) -> UUID:
    session_id = verify(KEYS, tokens["access_token"]).session_id
    assert session_id
    return session_id


def refresh(client: httpx.Client, tokens: Tokens) -> httpx.Response:
    return client.post(f"{AUTH}/refresh", json={"refresh_token": tokens["refresh_token"]})


def sign_out(client: httpx.Client, _: Engine, tokens: Tokens) -> object:
    return client.post(f"{AUTH}/logout", json={"refresh_token": tokens["refresh_token"]})


def reuse(client: httpx.Client, _: Engine, tokens: Tokens) -> object:
    return [refresh(client, tokens), refresh(client, tokens)]


def change_password(client: httpx.Client, _: Engine, tokens: Tokens) -> object:
    return client.post(f"{AUTH}/me/password", json=PASSWORDS, headers=proof(tokens))


def end_it(client: httpx.Client, _: Engine, tokens: Tokens) -> object:
    return client.delete(f"{AUTH}/sessions/{name(tokens)}", headers=proof(tokens))
