"""Calls to the first machine: by a machine that joins, and by one that has joined."""

import hashlib
import hmac
import json
import socket
import ssl
from http.client import HTTPConnection, HTTPException
from typing import Any

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.errors import RefusedJoinError, UnreachableFirstError
from tasktracker_cluster.membership.join_line import JoinLine
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import MEMBERSHIP_PORT

CONNECT_SECONDS = 10
ANSWER_SECONDS = 400  # longer than a drain


def join(line: JoinLine, body: dict[str, object]) -> dict[str, Any]:
    """Ask to join. The secret is sent only to the owner of the certificate in the line."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Not by an authority, which this machine does not know yet, but by the certificate itself.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with _connect(line.address, line.port, context) as connection:
        shown = connection.getpeercert(binary_form=True) or b""
        if not hmac.compare_digest(hashlib.sha256(shown).hexdigest(), line.fingerprint):
            raise UnreachableFirstError(
                f"The server at {line.address}:{line.port} is not the one of the join line.",
                "Make a new join line on the first machine: ./just invite",
            )
        return _post(connection, "/join", {**body, "secret": line.secret})


def call(site: Site, path: str, body: dict[str, object]) -> dict[str, Any]:
    """Call the first machine with the certificate of this one."""
    context = certificates.client(site, certificates.MEMBERSHIP)
    with _connect(site.node.first, MEMBERSHIP_PORT, context) as connection:
        return _post(connection, path, body)


def _connect(address: str, port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    (name,) = certificates.MEMBERSHIP.names
    try:
        plain = socket.create_connection((address, port), CONNECT_SECONDS)
        return context.wrap_socket(plain, server_hostname=name)
    except OSError as error:
        raise UnreachableFirstError(
            f"The first machine does not answer at {address}:{port}: {error.strerror or error}.",
            "Check there that it is up (./just status), and that no firewall closes the port.",
        ) from error


def _post(connection: ssl.SSLSocket, path: str, body: dict[str, object]) -> dict[str, Any]:
    connection.settimeout(ANSWER_SECONDS)
    http = HTTPConnection("membership")
    http.sock = connection
    try:
        http.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = http.getresponse()
        answer = json.loads(response.read())
    except (OSError, HTTPException, ValueError) as error:
        raise UnreachableFirstError(
            f"The first machine gave no answer: {error}.", "Try again."
        ) from error
    if response.status != 200:
        raise RefusedJoinError(str(answer["message"]), str(answer["hint"]))
    return dict(answer)
