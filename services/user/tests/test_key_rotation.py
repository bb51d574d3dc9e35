"""A new signing key, brought in while instances with other settings still serve.

First every service also accepts the new key, then it signs, and when the last token of the old one
has expired that one goes.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from servicekit.testing import client as testing
from servicekit.testing.conformance import assert_problem
from user_service.app import create_app
from user_service.settings import UserSettings

MakeSettings = Callable[..., UserSettings]
Instance = Callable[[str, str | None], httpx.Client]

OLD, NEW = (
    "the old key, 32 bytes or longer, for tests",
    "the new key, 32 bytes or longer, for tests",
)
STEPS = [(OLD, None), (OLD, NEW), (NEW, OLD), (NEW, None)]
JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}


@pytest.fixture
def instance(make_settings: MakeSettings) -> Iterator[Instance]:
    with ExitStack() as running:

        def start(key: str, previous: str | None) -> httpx.Client:
            settings = make_settings(
                secret_key=SecretStr(key), previous_secret_key=previous and SecretStr(previous)
            )
            return running.enter_context(testing.running(create_app(settings)))

        yield start


def log_in(client: httpx.Client) -> dict[str, Any]:
    tokens: dict[str, Any] = client.post("/api/v1/auth/login", json=JOHN).json()
    return tokens


def ask(client: httpx.Client, tokens: dict[str, Any]) -> httpx.Response:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return client.get("/api/v1/auth/me", headers=headers)


@pytest.mark.parametrize("step", [0, 1, 2], ids=["accept it", "sign with it", "drop the old"])
def test_nobody_is_logged_out_while_instances_change_over(instance: Instance, step: int) -> None:
    before, after = instance(*STEPS[step]), instance(*STEPS[step + 1])
    assert before.post("/api/v1/auth/register", json=JOHN).status_code == 201

    for issued_by in (before, after):
        tokens = log_in(issued_by)
        assert ask(before, tokens).status_code == 200
        assert ask(after, tokens).status_code == 200


def test_a_session_outlives_the_key_of_its_access_token(instance: Instance) -> None:
    first, last = instance(*STEPS[0]), instance(*STEPS[3])
    first.post("/api/v1/auth/register", json=JOHN)
    tokens = log_in(first)
    assert_problem(ask(last, tokens), 401)

    body = {"refresh_token": tokens["refresh_token"]}
    tokens = last.post("/api/v1/auth/refresh", json=body).json()

    assert ask(last, tokens).status_code == 200
    assert_problem(ask(first, tokens), 401)
