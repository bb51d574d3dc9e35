"""uvicorn's protocol, with one packet for a response instead of two.

uvicorn writes a response's head and its body one after the other, and uvloop sends each at once:
two calls of the kernel, and two times to wake up for the proxy that receives them
(docs/decisions/0064-direct-routes.md).
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LIMIT = 64 * 1024  # bytes that wait for more: above, the transport's own flow control must count


class JoiningProtocol(HttpToolsProtocol):
    """Serves a connection, and joins what it writes."""

    def connection_made(  # type: ignore[override]  # as uvicorn's own
        self, transport: asyncio.Transport
    ) -> None:
        self._writes = JoinedWrites(transport, self.loop)
        super().connection_made(self._writes)

    def eof_received(self) -> None:
        # uvloop closes the connection next, and takes nothing more then.
        self._writes.flush()
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._writes.discard()
        super().connection_lost(exc)


class JoinedWrites(asyncio.Transport):
    """A transport that sends what is written during one turn of the event loop together."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(bytes(data))
        self._size += len(data)
        if self._size > LIMIT:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if self._waiting:
            self._transport.write(b"".join(self._waiting))
            self.discard()

    def discard(self) -> None:
        """Forget what waits: nobody is there to get it."""
        self._waiting.clear()
        self._size = 0

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()
