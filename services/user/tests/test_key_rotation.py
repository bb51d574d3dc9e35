"""A new signing key, while instances with the old settings still serve.

First every service accepts the new key, too. Then the new key signs. The old key is removed when
its last token has expired.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from servicekit import keys
from servicekit.testing import client as testing
from servicekit.testing.conformance import assert_problem
from user_service.app import create_app
from user_service.settings import UserSettings

MakeSettings = Callable[..., UserSettings]
Pair = tuple[str, str | None]
Instance = Callable[[int], httpx.Client]

OLD, NEW = "old", "new"
# Which key signs, and which other one is accepted.
STEPS: list[Pair] = [(OLD, None), (OLD, NEW), (NEW, OLD), (NEW, None)]
SECRETS = {name: f"the {name} key, 32 bytes or longer, for tests" for name in (OLD, NEW)}
PAIRS = {name: keys.generate() for name in (OLD, NEW)}
JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}


def shared(signing: str, other: str | None) -> dict[str, Any]:
    return {
        "secret_key": SecretStr(SECRETS[signing]),
        "previous_secret_key": other and SecretStr(SECRETS[other]),
    }


def private(signing: str, other: str | None) -> dict[str, Any]:
    public = [PAIRS[name][1] for name in (signing, other) if name]
    return {
        "secret_key": None,
        "jwt_private_key": SecretStr(PAIRS[signing][0]),
        "jwt_public_keys": json.dumps({"keys": public}),
    }


@pytest.fixture(params=[shared, private])
def instance(request: pytest.FixtureRequest, make_settings: MakeSettings) -> Iterator[Instance]:
    """Start an instance as it is at a step, with keys of each kind."""
    with ExitStack() as running:

        def start(step: int) -> httpx.Client:
            settings = make_settings(**request.param(*STEPS[step]))
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
    before, after = instance(step), instance(step + 1)
    assert before.post("/api/v1/auth/register", json=JOHN).status_code == 201

    for issued_by in (before, after):
        tokens = log_in(issued_by)
        assert ask(before, tokens).status_code == 200
        assert ask(after, tokens).status_code == 200


def test_a_session_outlives_the_key_of_its_access_token(instance: Instance) -> None:
    first, last = instance(0), instance(3)
    first.post("/api/v1/auth/register", json=JOHN)
    tokens = log_in(first)
    assert_problem(ask(last, tokens), 401)

    body = {"refresh_token": tokens["refresh_token"]}
    tokens = last.post("/api/v1/auth/refresh", json=body).json()

    assert ask(last, tokens).status_code == 200
    assert_problem(ask(first, tokens), 401)
