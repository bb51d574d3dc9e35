"""On real sockets: what a server does wrong, and what httpx's caller sees of it."""

import asyncio
import gzip
import socket
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from servicekit.aiohttp_transport import AiohttpTransport
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

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def calling(
    url: str, connections: int = 50, **limits: float
) -> AsyncIterator[httpx.AsyncClient]:
    timeout = httpx.Timeout(5, **limits)
    async with httpx.AsyncClient(
        base_url=url, transport=AiohttpTransport(connections), timeout=timeout
    ) as client:
        yield client


async def ask(serve: Serve, method: str = "GET", read: float = 5) -> httpx.Response:
    async with serving(serve) as (_, url), calling(url, read=read) as client:
        return await client.request(method, "/")


async def test_the_request_arrives_as_httpx_made_it() -> None:
    seen: list[bytes] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        seen.append(await read_request(reader))
        writer.write(CLOSE)

    async with serving(serve) as (_, url), calling(url) as client:
        headers = {"X-Request-ID": "r1"}
        await client.post("/a%2Fb?q=%20x&q=y", headers=headers, json={"title": "ä"})

    head, _, body = seen[0].partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    assert line == "POST /a%2Fb?q=%20x&q=y HTTP/1.1"
    names = [field.partition(":")[0].lower() for field in fields]
    assert len(names) == len(set(names))
    assert "x-request-id: r1" in [field.lower() for field in fields]
    assert body == '{"title":"ä"}'.encode()


async def test_the_answer_comes_with_status_headers_and_decoded_body() -> None:
    packed = gzip.compress(b"much")
    head = (
        "HTTP/1.1 207 Multi-Status\r\nETag: a\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    )

    answer = await ask(answering(head.encode() + packed))

    assert (answer.status_code, answer.text) == (207, "much")
    assert answer.headers["etag"] == "a"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_a_redirect_is_an_answer() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"

    assert (await ask(answering(moved))).status_code == 302


async def test_a_connection_is_used_again() -> None:
    async with serving(answering(OK)) as (server, url), calling(url) as client:
        for _ in range(5):
            assert (await client.get("/")).text == "ok"

        assert server.connections == 1


async def test_a_connection_that_the_server_closed_meanwhile_fails_nothing() -> None:
    async def once(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(OK)  # Nothing says that it is the last answer.

    async with serving(once) as (server, url), calling(url) as client:
        for _ in range(5):
            assert (await client.get("/")).text == "ok"

        assert server.connections == 5


async def test_a_server_that_is_not_there_cannot_be_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    async with calling(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(httpx.ConnectError, match="Connect"):
            await client.get("/")


async def test_a_name_that_nobody_knows_cannot_be_connected_to() -> None:
    async with calling("http://nowhere.invalid") as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/")


async def test_a_server_that_takes_no_connection_in_time_is_a_connect_timeout() -> None:
    # A full backlog: the kernel drops what comes after it, and the client waits.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        try:
            async with calling(f"http://127.0.0.1:{port}", connect=0.2) as client:
                with pytest.raises(httpx.ConnectTimeout):
                    await client.get("/")
        finally:
            for each in waiting:
                each.close()


@pytest.mark.parametrize(("serve", "error"), FAULTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_after_something_was_sent_it_is_never_a_connect_error(
    serve: Serve, error: type[Exception], method: str
) -> None:
    """Otherwise a write would be repeated, at this instance or at another."""
    with pytest.raises(httpx.TransportError) as caught:
        await ask(serve, method, read=0.2)

    assert isinstance(caught.value, error)
    assert str(caught.value)


async def test_who_finds_no_free_connection_in_time_gets_a_pool_timeout_and_nothing_is_lost() -> (
    None
):
    release = asyncio.Event()

    async def when_released(reader: Reader, writer: Writer) -> None:
        while True:
            await read_request(reader)
            await release.wait()
            writer.write(OK)

    async with (
        serving(when_released) as (server, url),
        calling(url, connections=2, pool=0.1) as client,
    ):
        taken = [asyncio.create_task(client.get("/")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(httpx.PoolTimeout):
            await client.get("/")
        release.set()

        assert [(await each).text for each in taken] == ["ok", "ok"]
        assert (await client.get("/")).text == "ok"
        assert server.connections == 2


async def test_a_call_that_was_given_up_frees_its_connection() -> None:
    async with (
        serving(stay_silent) as (server, url),
        calling(url, connections=1, pool=0.1) as client,
    ):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.get("/")

        assert server.connections == 3
