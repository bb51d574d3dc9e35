"""A proxy before PostgreSQL that a test leads elsewhere, as a sidecar does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import make_url


class Gate:
    """Passes connections on to `target`, a URL. Without one it closes each connection at once.

    `url` is the gate's own. `seen` is how many connections it has accepted.
    """

    def __init__(self, target: str, listener: socket.socket) -> None:
        self.target: str | None = target
        self.seen = 0
        self._listener = listener
        self._open: list[socket.socket] = []
        port = listener.getsockname()[1]
        self.url = make_url(target).set(port=port).render_as_string(hide_password=False)

    def cut(self) -> None:
        """Break every connection that is open."""
        while self._open:
            _end(self._open.pop())

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.seen += 1
            self._pass_on(client)

    def _pass_on(self, client: socket.socket) -> None:
        if self.target is None:
            client.close()
            return
        parts = make_url(self.target)
        server = socket.create_connection((parts.host or "", parts.port or 0))
        self._open += [client, server]
        for pair in ((client, server), (server, client)):
            threading.Thread(target=_copy, args=pair, daemon=True).start()


@contextmanager
def gate(target: str) -> Iterator[Gate]:
    """Run a gate before the database at `target`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Gate(target, listener)
        thread = threading.Thread(target=made.serve, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.target = None
            made.cut()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        _end(each)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
