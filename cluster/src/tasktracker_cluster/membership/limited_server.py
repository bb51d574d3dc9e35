"""A server that anyone may call: few connections at once, and a time limit for each."""

import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import Any

MOST_CONNECTIONS = 32
SECONDS = 10  # for a request to arrive, and for its answer to be read
PAUSE_SECONDS = 1


class TimeLimit:
    """Ends a connection after SECONDS. A limit of each read is none for a slow caller."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.start()

    def start(self) -> None:
        """Start it, after it was stopped."""
        self._timer = threading.Timer(SECONDS, self._end)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """Let the connection live."""
        self._timer.cancel()

    def _end(self) -> None:
        with suppress(OSError):  # it has ended
            # Not the method of SSLSocket: it changes what the other thread uses.
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


class LimitedServer(ThreadingHTTPServer):
    """Closes a connection at once when MOST_CONNECTIONS are open, and logs nothing of it."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        super().__init__(address, handler)
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def get_request(self) -> Any:
        """Accept a connection."""
        try:
            return super().get_request()
        except OSError:
            # At the limit of open files the connection stays in the queue, and is ready at once.
            time.sleep(PAUSE_SECONDS)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or close the connection."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread was started
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, in the thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log a defect. A caller that spoke no TLS, was slow or went away is none."""
        error = sys.exception()
        if not isinstance(error, OSError):
            print(f"{client_address[0]} - - {error!r}", file=sys.stderr, flush=True)  # noqa: T201
