"""Log lines about logins: the account and the client, and nothing that was typed."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from servicekit.testing.live_server import serving
from user_service.app import create_app
from user_service.settings import UserSettings

MakeSettings = Callable[..., UserSettings]
Line = dict[str, Any]

HOME, STRANGER = "198.51.100.7", "203.0.113.5"
JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}
LOGIN = "/api/v1/auth/login"


@pytest.fixture
def client(make_settings: MakeSettings) -> Iterator[httpx.Client]:
    settings = make_settings(log_level="INFO", failures_per_client=3)
    with (
        serving(create_app(settings)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        client.headers["X-Forwarded-For"] = HOME
        assert client.post("/api/v1/auth/register", json=JOHN).status_code == 201
        client.headers["X-Forwarded-For"] = STRANGER
        yield client


def written(capsys: pytest.CaptureFixture[str], event: str) -> Line:
    """Return the one line about the event; check that no line has what was typed."""
    text = capsys.readouterr().out
    for typed in (*JOHN.values(), "my password by mistake", "a wrong one", "nobody@example.com"):
        assert typed not in text
    [line] = [line for line in map(json.loads, text.splitlines()) if line["event"] == event]
    return {name: line.get(name) for name in ("level", "account_id", "client", "request_id")}


@pytest.mark.parametrize(
    ("login", "account_id"),
    [
        ("johndoe", 1),
        ("john@example.com", 1),
        ("nobody@example.com", None),
        ("my password by mistake", None),
    ],
)
def test_a_wrong_password_is_logged(
    client: httpx.Client, capsys: pytest.CaptureFixture[str], login: str, account_id: int | None
) -> None:
    answer = client.post(LOGIN, json={"username": login, "password": "a wrong one"})

    assert written(capsys, "wrong password") == {
        "level": "warning",
        "account_id": account_id,
        "client": STRANGER,
        "request_id": answer.headers["X-Request-ID"],
    }


def test_a_lockout_is_logged(client: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        client.post(LOGIN, json={"username": f"user{number}", "password": "a wrong one"})

    answer = client.post(LOGIN, json=JOHN)

    assert answer.status_code == 429
    line = written(capsys, "password not tried: too many failures")
    assert (line["account_id"], line["client"]) == (1, STRANGER)


def test_a_refresh_token_that_comes_again_is_logged(
    client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = client.post(LOGIN, json=JOHN).json()
    body = {"refresh_token": tokens["refresh_token"]}
    assert client.post("/api/v1/auth/refresh", json=body).status_code == 200

    assert client.post("/api/v1/auth/refresh", json=body).status_code == 401

    text = capsys.readouterr().out
    assert tokens["refresh_token"] not in text
    [line] = [json.loads(line) for line in text.splitlines() if "reused" in line]
    assert (line["account_id"], line["client"]) == (1, STRANGER)
    assert line["session_id"]


def test_a_registration_too_many_is_logged(
    make_settings: MakeSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = make_settings(log_level="INFO", registrations_per_client=1)
    with (
        serving(create_app(settings)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        client.headers["X-Forwarded-For"] = STRANGER
        statuses = [client.post("/api/v1/auth/register", json=JOHN).status_code for _ in range(2)]

    assert statuses == [201, 429]
    assert written(capsys, "not registered: too many registrations")["client"] == STRANGER
