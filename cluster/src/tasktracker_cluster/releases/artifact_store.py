"""A store of artifacts, which asks the stores of other machines for those that it does not have.

The job `store` runs this file on every node (nomad/jobs/store.nomad.hcl), with the Python of a
release, where no other module of this package is: it imports the standard library only. On loopback
it serves the node's own Nomad agent. On the node's address it serves other machines, which must
show a certificate of the cluster's authority, and only what is in its own folder.

Arguments: the folder of artifacts, the folder of the certificate, ADDRESS:PORT on loopback,
ADDRESS:PORT for other machines, and the latter of every machine; without these it is alone.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO, Any

NAME = "store.tasktracker"  # in the certificate of every store
SECONDS = 10  # for a connection and its handshake, and for each part of a request or an answer
MOST_CONNECTIONS = 32
END_SECONDS = 12  # for the answers that are due at the end: a step of a fetch, and more
CHUNK = 2**20

BUSY = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

_PATH = re.compile(r"/([0-9a-f]{64})\.pex")


class MissingArtifactError(Exception):
    """No other store has the artifact."""


class EndingError(Exception):
    """The store shall end, and fetches nothing more."""


class _UnfitAnswerError(Exception):
    """A store answered something else than the artifact."""


@dataclass(frozen=True)
class Certificate:
    """Files in PEM: the authority, a certificate of it, and its key.

    They are read for each connection, because a rotation replaces them.
    """

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def of_folder(cls, folder: Path) -> "Certificate":
        """Return the files that the first machine hands over to a system user."""
        return cls(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")

    def context(self, protocol: int) -> ssl.SSLContext:
        """Return the TLS settings for one side. Raises OSError when a file cannot be used."""
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.authority)
        context.load_cert_chain(self.certificate, self.key)
        return context


def fetch(
    sha256: str,
    stores: Sequence[str],
    own: Certificate,
    target: IO[bytes],
    go_on: Callable[[], None] = lambda: None,
) -> str:
    """Write an artifact into an empty file, and return the store that it is from (ADDRESS:PORT).

    `go_on` is called before each step, and can raise an error that ends it. Raises
    MissingArtifactError, with the reason of each store, when none has the right content.
    """
    reasons = []
    for store in stores:
        go_on()
        target.seek(0)
        target.truncate()
        try:
            _copy(sha256, store, own, target, go_on)
        except (OSError, HTTPException, _UnfitAnswerError) as error:
            reasons.append(f"{store}: {error}")
        else:
            return store
    raise MissingArtifactError("; ".join(reasons) or "there is no other store")


def _copy(
    sha256: str, store: str, own: Certificate, target: IO[bytes], go_on: Callable[[], None]
) -> None:
    address, _, port = store.rpartition(":")
    digest = hashlib.sha256()
    with (
        socket.create_connection((address, int(port)), SECONDS) as plain,
        own.context(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(plain, server_hostname=NAME) as secured,
    ):
        http = HTTPConnection(NAME)
        http.sock = secured
        http.request("GET", f"/{sha256}.pex")
        response = http.getresponse()
        if response.status != HTTPStatus.OK:
            raise _UnfitAnswerError(f"it answers {response.status}")
        while chunk := response.read(CHUNK):
            go_on()
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != sha256:
        raise _UnfitAnswerError("its content has another checksum")


class Store(socketserver.ThreadingTCPServer):
    """Serves what is in a folder. `stores` are those that it asks for the rest (ADDRESS:PORT)."""

    allow_reuse_address = True
    daemon_threads = True
    busy = BUSY

    def __init__(
        self, listen: str, folder: Path, own: Certificate, stores: Sequence[str] = ()
    ) -> None:
        address, _, port = listen.rpartition(":")
        self.folder, self.own, self.stores = folder, own, stores
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._ends = threading.Event()
        self._warned = ""
        super().__init__((address, int(port)), _Handler)

    def present(self, sha256: str) -> IO[bytes] | None:
        """Open an artifact of the folder; None when it is not there."""
        try:
            return (self.folder / f"{sha256}.pex").open("rb")
        except FileNotFoundError:
            return None

    def find(self, sha256: str) -> IO[bytes] | None:
        """Open an artifact of the folder, or of another store; None when no store has it.

        Raises OSError when a file cannot be used, and EndingError.
        """
        if (found := self.present(sha256)) or not self.stores:
            return found
        with ExitStack() as stack:
            fetched = stack.enter_context(_nameless_file("tmp"))
            try:
                store = fetch(sha256, self.stores, self.own, fetched, self._go_on)
            except MissingArtifactError as error:
                self.warn(f"no other store has {sha256}", str(error))
                return None
            self._warned = ""
            log("info", f"fetched {sha256} from {store}")
            stack.pop_all()
            return fetched

    def _go_on(self) -> None:
        if self._ends.is_set():
            raise EndingError

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or that there is none when too many connections are open."""
        if not self._free.acquire(blocking=False):
            self._refuse(request, f"{MOST_CONNECTIONS} connections are open")
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError as error:  # no thread has started, so none gives the place back
            self._free.release()
            self._refuse(request, str(error))

    def _refuse(self, request: Any, reason: str) -> None:
        self.warn("cannot answer", reason)
        request.setblocking(False)  # this thread accepts all connections
        with suppress(OSError):
            request.sendall(self.busy)
            request.recv(CHUNK)  # what is not read would reset the connection
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, in the thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log a defect. A caller that spoke no TLS, was slow or went away is none."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError | ssl.SSLError):
            self.warn("could not answer", repr(error))

    def warn(self, event: str, reason: str) -> None:
        """Log what went wrong, unless the reason is that of the last time."""
        if reason != self._warned:  # nobody shortens this log, and every caller could fill it
            self._warned = reason
            log("warning", f"{event}: {reason}")

    def end(self) -> None:
        """Wait until all callers have their answers, after `serve_forever` has ended.

        Who waits for another store is told to ask again: a restart must not take minutes.
        """
        self._ends.set()
        self.server_close()  # new callers are refused, and try again
        limit = time.monotonic() + END_SECONDS
        for waiting in range(MOST_CONNECTIONS, 0, -1):
            if not self._free.acquire(timeout=max(0, limit - time.monotonic())):
                log("warning", f"ended before {waiting} callers had their answers")
                return


class SharedStore(Store):
    """Serves other machines by mutual TLS."""

    busy = b""  # nobody would read it before a handshake

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer a caller that shows a certificate of the authority."""
        try:
            context = self.own.context(ssl.PROTOCOL_TLS_SERVER)
        except OSError as error:  # also one of TLS, about half of a file
            self.warn("cannot use the certificate", str(error))
            return
        self._warned = ""
        with context.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as tls:
            tls.settimeout(SECONDS)
            limit = _cut_off_later(tls)
            try:
                tls.do_handshake()
            finally:
                limit.cancel()
            super().finish_request(tls, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Store
    timeout = SECONDS

    def setup(self) -> None:
        super().setup()
        self._limit = _cut_off_later(self.connection)

    def parse_request(self) -> bool:
        """Read the head of the request: within the limit."""
        try:
            return super().parse_request()
        finally:
            self._limit.cancel()

    def finish(self) -> None:
        self._limit.cancel()
        super().finish()

    def do_HEAD(self) -> None:
        if found := self._begin(self.server.present):
            found.close()

    def do_GET(self) -> None:
        if found := self._begin(self.server.find):
            with found:
                shutil.copyfileobj(found, self.wfile, CHUNK)

    def _begin(self, find: Callable[[str], IO[bytes] | None]) -> IO[bytes] | None:
        """Find the artifact, send the head of the answer, and return the file of its body."""
        asked = _PATH.fullmatch(self.path)
        found, status = None, HTTPStatus.NOT_FOUND
        try:
            found = find(asked[1]) if asked else None
        except EndingError:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            self.server.warn("cannot answer", "the store ends")
        except Exception as error:  # or the caller would get no answer at all
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            self.server.warn("cannot answer", repr(error))
        if found is None:
            self.send_error(status)
            return None
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(found.seek(0, 2)))
        self.end_headers()
        found.seek(0)
        return found

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002
        # Nobody shortens this log.
        pass


def _cut_off_later(connection: socket.socket) -> threading.Timer:
    """Return a running timer. A limit of each read is none for a caller that sends bit by bit."""
    limit = threading.Timer(SECONDS, _cut_off, (connection,))
    limit.daemon = True
    limit.start()
    return limit


def _cut_off(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not with a message of TLS before


def _nameless_file(folder: str) -> IO[bytes]:
    # Not `tempfile`: it makes the path absolute, and the task may not enter the folders above.
    return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600), "w+b")


def log(level: str, event: str) -> None:
    """Write a line of the log."""
    now = time.strftime("%FT%TZ", time.gmtime())
    line = {"time": now, "level": level, "event": event}
    print(json.dumps(line), flush=True)  # noqa: T201


def main(words: Sequence[str]) -> None:
    """Serve until the signal to end, and answer who has asked before it."""
    folder, certificate, local, shared, *all_stores = words
    own = Certificate.of_folder(Path(certificate))
    others = [each for each in all_stores if each != shared]
    servers = [Store(local, Path(folder), own, others)]
    if all_stores:
        servers.append(SharedStore(shared, Path(folder), own))
    server, *for_others = servers
    # Not in this thread, which serves: it would wait for itself.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    for each in for_others:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    server.serve_forever()
    for each in servers:
        each.shutdown()
        each.end()


if __name__ == "__main__":
    main(sys.argv[1:])
