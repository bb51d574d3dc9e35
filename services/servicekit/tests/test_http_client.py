"""The client between services: the request id, and a real server."""

import asyncio

import httpx
from fastapi import FastAPI
from starlette.requests import Request

from servicekit import http_client
from servicekit.testing.live_server import serving


def echo(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"id": request.headers.get("x-request-id")})


async def ask(client: httpx.AsyncClient) -> str | None:
    async with client:
        identifier: str | None = (await client.get("/")).json()["id"]
        return identifier


def test_request_id_is_passed_on(app: FastAPI, client: httpx.Client) -> None:
    @app.get("/call")
    async def call() -> str | None:
        return await ask(http_client.create("http://other", transport=httpx.MockTransport(echo)))

    assert client.get("/call", headers={"X-Request-ID": "r1"}).json() == "r1"


def test_no_request_id_is_made_up_outside_of_a_request() -> None:
    mocked = http_client.create("http://other", transport=httpx.MockTransport(echo))
    assert asyncio.run(ask(mocked)) is None


def test_default_transport_reaches_a_real_server(app: FastAPI) -> None:
    @app.get("/")
    async def root(request: Request) -> dict[str, str | None]:
        return {"id": request.headers.get("user-agent")}

    with serving(app) as port:
        agent = asyncio.run(ask(http_client.create(f"http://127.0.0.1:{port}")))
    assert agent == f"python-httpx/{httpx.__version__}"
