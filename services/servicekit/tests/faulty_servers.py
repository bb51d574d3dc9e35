"""Servers on real sockets that do something wrong, and what httpx's caller sees of it."""

import asyncio
import socket
import struct
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx

Serve = Callable[[Reader, Writer], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Passes each connection to `serve`, and counts the connections."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.connections = 0
        self.requests: list[bytes] = []

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        self.connections += 1
        try:
            await self._serve(reader, writer)
        except asyncio.IncompleteReadError:
            pass  # The client is done with the connection.
        finally:
            writer.close()


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[tuple[Server, str]]:
    server = Server(serve)
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        yield server, f"http://127.0.0.1:{port}"


async def read_request(reader: Reader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.partition(b":")[2]))
    return head


def answering(answer: bytes) -> Serve:
    """Read each request whole, and answer it with these bytes."""

    async def serve(reader: Reader, writer: Writer) -> None:
        while True:
            await read_request(reader)
            writer.write(answer)
            await writer.drain()

    return serve


async def hang_up(reader: Reader, writer: Writer) -> None:
    """Read the request, and close the connection without an answer."""
    await read_request(reader)


async def reset(reader: Reader, writer: Writer) -> None:
    """Reset the connection, so that both sides get an error."""
    await read_request(reader)
    at_once = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)


async def stay_silent(reader: Reader, writer: Writer) -> None:
    await read_request(reader)
    await reader.read()


async def stop_half_way(reader: Reader, writer: Writer) -> None:
    await read_request(reader)
    writer.write(OK[:-1])


async def fall_silent_half_way(reader: Reader, writer: Writer) -> None:
    writer.write(OK[:-1])
    await stay_silent(reader, writer)


FAULTS = [
    (hang_up, httpx.RemoteProtocolError),
    (reset, httpx.ReadError),
    (answering(b"SSH-2.0-OpenSSH_9\r\n\r\n"), httpx.RemoteProtocolError),
    (stop_half_way, httpx.RemoteProtocolError),
    (stay_silent, httpx.ReadTimeout),
    (fall_silent_half_way, httpx.ReadTimeout),
]
