"""HTTP requests over an open connection, and from inside an allocation's network."""

import socket
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

from tasktracker_cluster.machine import netns

CONNECT_SECONDS = 5.0  # the kernel answers, also for a busy program
LIMIT_SECONDS = 10.0  # a machine may stand still for seconds, and what hangs is still found


class Answer(NamedTuple):
    """The status and the body of an HTTP response."""

    status: int
    text: str


def get(connection: socket.socket, path: str) -> Answer:
    """GET a path over a connection, and close it. Raises OSError, HTTPException."""
    http = HTTPConnection("mesh", timeout=LIMIT_SECONDS)
    http.sock = connection
    try:
        http.request("GET", path, headers={"Connection": "close"})
        response = http.getresponse()
        return Answer(response.status, response.read().decode(errors="replace"))
    finally:
        http.close()


def get_inside(allocation: str, address: tuple[str, int], path: str) -> Answer | str:
    """GET a path inside an allocation's network. Return the error's text if there is no answer."""
    try:
        return get(netns.connect(allocation, address, LIMIT_SECONDS), path)
    except (OSError, HTTPException) as error:
        return str(error)
