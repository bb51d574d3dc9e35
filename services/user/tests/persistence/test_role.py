"""In the cluster the service's role may use the tables, but not alter them."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text

from servicekit.testing import client as testing
from user_service.app import create_app
from user_service.settings import UserSettings

MakeSettings = Callable[..., UserSettings]
JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}


@pytest.fixture
def client(make_settings: MakeSettings, engine: Engine) -> Iterator[httpx.Client]:
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE dml_only LOGIN"))
        for what, kind in (("SELECT, INSERT, UPDATE, DELETE", "TABLES"), ("USAGE", "SEQUENCES")):
            grant = f"GRANT {what} ON ALL {kind} IN SCHEMA public TO dml_only"
            connection.execute(text(grant))
    url = make_settings().database_url.get_secret_value().replace("postgres@", "dml_only@")
    with testing.running(create_app(make_settings(database_url=SecretStr(url)))) as client:
        yield client
    with engine.begin() as connection:
        connection.execute(text("DROP OWNED BY dml_only"))
        connection.execute(text("DROP ROLE dml_only"))


def test_everything_works_without_the_right_to_change_tables(
    client: httpx.Client, engine: Engine
) -> None:
    def post(path: str, **body: str) -> httpx.Response:
        return client.post(f"/api/v1/auth/{path}", json=body, headers=headers)

    headers: dict[str, str] = {}
    assert post("register", **JOHN).status_code == 201
    assert post("login", username="johndoe", password="wrong").status_code == 401
    tokens = post("login", username="johndoe", password="securepass123").json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    tokens = post("refresh", refresh_token=tokens["refresh_token"]).json()
    change = {
        "current_password": "securepass123",
        "new_password": "an even better one",
        "refresh_token": tokens["refresh_token"],
    }
    assert post("me/password", **change).status_code == 204
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET is_superuser = true"))
    assert len(client.get("/api/v1/auth/sessions", headers=headers).json()) == 1
    assert client.delete("/api/v1/auth/sessions", headers=headers).status_code == 204
    assert client.get("/internal/ended-sessions").status_code == 200
    draft = {
        "name": "ci",
        "scopes": ["tasks:read"],
        "current_password": "an even better one",
    }
    made = client.post("/api/v1/auth/tokens", json=draft, headers=headers).json()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert client.get("/internal/personal-token", headers=bearer).status_code == 200
    path = f"/api/v1/auth/tokens/{made['id']}"
    assert client.delete(path, headers=headers).status_code == 204
    users = "/api/v1/auth/users"
    assert client.get(users, headers=headers).status_code == 200
    assert client.patch(f"{users}/1", json={}, headers=headers).status_code == 200
    assert post("logout", refresh_token=tokens["refresh_token"]).status_code == 204
