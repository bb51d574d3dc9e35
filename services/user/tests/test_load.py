"""Many logins at once: other requests go on, and the queue is bounded."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from servicekit.testing.conformance import assert_problem
from user_service.app import create_app
from user_service.settings import UserSettings

MakeSettings = Callable[..., UserSettings]

pytestmark = pytest.mark.anyio
SIDECAR_LIMIT_SECONDS = 15  # consul/config-entries/proxy-defaults/global.hcl
JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}


@asynccontextmanager
async def with_john(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        assert (await client.post("/api/v1/auth/register", json=JOHN)).status_code == 201
        yield client


async def test_others_are_served_while_fifty_sign_in(make_settings: MakeSettings) -> None:
    app = create_app(make_settings(password_cost=8, password_queue=50))
    async with with_john(app) as client:
        tokens = (await client.post("/api/v1/auth/login", json=JOHN)).json()
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        sign_ins = [
            asyncio.create_task(client.post("/api/v1/auth/login", json=JOHN)) for _ in range(50)
        ]
        served_meanwhile = 0
        while not all(sign_in.done() for sign_in in sign_ins):
            assert (await client.get("/api/v1/auth/me", headers=headers)).status_code == 200
            assert (await client.get("/health")).status_code == 200
            served_meanwhile += 1

        assert {sign_in.result().status_code for sign_in in sign_ins} == {200}
        assert served_meanwhile > 5


async def test_more_logins_than_the_queue_takes_are_a_503_with_retry_after(
    make_settings: MakeSettings,
) -> None:
    app = create_app(make_settings(password_cost=8, password_workers=1, password_queue=3))
    async with with_john(app) as client:
        answers = await asyncio.gather(
            *(client.post("/api/v1/auth/login", json=JOHN) for _ in range(20))
        )
        refused = [answer for answer in answers if answer.status_code == 503]

        assert {answer.status_code for answer in answers} == {200, 503}
        for answer in refused:
            assert_problem(answer, 503)
            assert answer.headers["retry-after"] == "5"
        assert (await client.post("/api/v1/auth/login", json=JOHN)).status_code == 200


def test_by_default_the_queue_grows_with_the_workers_that_empty_it(
    make_settings: MakeSettings,
) -> None:
    hash_seconds = 0.25  # at the default cost: see Passwords
    for workers in (1, 2, 16):
        settings = make_settings(password_workers=workers)
        assert settings.password_queue / workers * hash_seconds <= SIDECAR_LIMIT_SECONDS / 2
        assert settings.password_queue >= 30
