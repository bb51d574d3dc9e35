"""Without the database every call is a 503."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from pydantic import SecretStr

from servicekit.testing import client as testing
from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import bearer
from user_service.app import create_app
from user_service.settings import UserSettings

MakeSettings = Callable[..., UserSettings]

TOKEN = "A" * 64
JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}
PASSWORDS = {"current_password": "securepass123", "new_password": "an even better one"}
TOKENS = {"name": "ci", "scopes": ["tasks:read"]}
BODY = {**JOHN, **PASSWORDS, **TOKENS, "refresh_token": TOKEN}


@pytest.fixture
def client(make_settings: MakeSettings) -> Iterator[httpx.Client]:
    # Nothing listens on port 1.
    nowhere = SecretStr("postgresql+psycopg2://nobody@127.0.0.1:1/nothing")
    with testing.running(create_app(make_settings(database_url=nowhere))) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/auth/register"),
        ("POST", "/api/v1/auth/login"),
        ("POST", "/api/v1/auth/refresh"),
        ("POST", "/api/v1/auth/logout"),
        ("GET", "/api/v1/auth/me"),
        ("PATCH", "/api/v1/auth/me"),
        ("POST", "/api/v1/auth/me/password"),
        ("GET", "/api/v1/auth/sessions"),
        ("DELETE", "/api/v1/auth/sessions"),
        ("DELETE", "/api/v1/auth/sessions/7d444840-9dc0-11d1-b245-5ffdce74fad2"),
        ("GET", "/internal/ended-sessions"),
        ("GET", "/internal/personal-token"),
        ("GET", "/api/v1/auth/tokens"),
        ("POST", "/api/v1/auth/tokens"),
        ("DELETE", "/api/v1/auth/tokens/7d444840-9dc0-11d1-b245-5ffdce74fad2"),
        ("GET", "/api/v1/auth/users"),
        ("PATCH", "/api/v1/auth/users/1"),
    ],
)
def test_without_its_database_the_service_says_so(
    client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, path, json=BODY, headers=bearer())

    assert_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert "127.0.0.1" not in answer.text


def test_without_its_database_no_form_signs_in(client: httpx.Client) -> None:
    assert_problem(client.post("/api/v1/auth/token", data=JOHN), 503)


def test_without_its_database_the_process_is_live_and_not_ready(client: httpx.Client) -> None:
    assert client.get("/health/live").status_code == 200
    assert client.get("/health").status_code == 503
