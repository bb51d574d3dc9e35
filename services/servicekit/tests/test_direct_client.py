"""The client for one call: on real sockets, what it sends and what its caller sees."""

import asyncio
import socket
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer

import httpx
import pytest
from fastapi import FastAPI, Response
from pydantic import HttpUrl

from servicekit import http_client
from servicekit.aiohttp_transport import AiohttpTransport
from servicekit.direct_client import DirectClient
from servicekit.settings import ConsulSettings
from services.servicekit.tests.faulty_servers import (
    CLOSE,
    FAULTS,
    OK,
    Serve,
    answering,
    read_request,
    serving,
    stay_silent,
)

TOKEN = {"Authorization": "Bearer a.b.c"}


def client_of(url: str, timeout: float = 5) -> DirectClient:
    """Return the client that a service has."""
    return http_client.direct_for_service("other", HttpUrl(url), ConsulSettings(), timeout)


async def ask(client: DirectClient, path: str = "/") -> tuple[int, bytes]:
    answer = await client.get(client.base_url.join(path), headers=TOKEN)
    return answer.status_code, answer.content


@pytest.mark.anyio
async def test_the_request_has_what_the_service_needs_and_nothing_else() -> None:
    seen: list[bytes] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        seen.append(await read_request(reader))
        writer.write(CLOSE)

    async with serving(serve) as (_, url), client_of(url) as client:
        assert await ask(client, "/a%2Fb?q=%20x") == (200, b"ok")

    line, *fields = seen[0].decode().split("\r\n")
    assert line == "GET /a%2Fb?q=%20x HTTP/1.1"
    sent = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
    del sent[""]
    assert sent == {"host": url.removeprefix("http://"), "authorization": "Bearer a.b.c"}


def test_the_request_id_is_passed_on(app: FastAPI, client: httpx.Client) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=request.headers["x-request-id"])

    @app.get("/call")
    async def call() -> Response:
        mocked = httpx.MockTransport(echo)
        async with DirectClient("http://other", 5, mocked) as direct:
            return Response((await ask(direct))[1])

    assert client.get("/call", headers={"X-Request-ID": "r1"}).text == "r1"


@pytest.mark.anyio
async def test_a_connection_is_used_again_and_one_that_the_server_closed_fails_nothing() -> None:
    async def twice(reader: Reader, writer: Writer) -> None:
        for _ in range(2):
            await read_request(reader)
            writer.write(OK)  # Nothing says that it is the last answer.

    async with serving(twice) as (server, url), client_of(url) as client:
        assert [await ask(client) for _ in range(6)] == [(200, b"ok")] * 6
        assert server.connections == 3


@pytest.mark.anyio
@pytest.mark.parametrize(("serve", "error"), FAULTS)
async def test_each_fault_is_its_own_error_after_one_more_attempt(
    serve: Serve, error: type[Exception]
) -> None:
    async with serving(serve) as (server, url), client_of(url, timeout=0.2) as client:
        with pytest.raises(error):
            await ask(client)
        assert server.connections >= 2


@pytest.mark.anyio
async def test_a_server_that_is_not_there_cannot_be_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    async with client_of(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(httpx.ConnectError):
            await ask(client)


@pytest.mark.anyio
async def test_who_finds_no_free_connection_in_time_gets_a_pool_timeout() -> None:
    async with (
        serving(stay_silent) as (server, url),
        DirectClient(url, 0.2, AiohttpTransport(connections=1)) as client,
    ):
        first, second = await asyncio.gather(ask(client), ask(client), return_exceptions=True)

    assert {type(first), type(second)} == {httpx.ReadTimeout, httpx.PoolTimeout}
    assert server.connections == 1


@pytest.mark.anyio
async def test_a_call_that_was_given_up_frees_its_connection() -> None:
    async with (
        serving(stay_silent) as (server, url),
        DirectClient(url, 5, AiohttpTransport(connections=1)) as client,
    ):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await ask(client)
        assert server.connections == 3


@pytest.mark.anyio
async def test_a_body_that_comes_in_parts_is_whole() -> None:
    head = b"HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n"
    parts = b"4\r\nmuch\r\n5\r\n more\r\n0\r\n\r\n"

    async with serving(answering(head + parts)) as (_, url), client_of(url) as client:
        assert await ask(client) == (207, b"much more")
