"""Which certificates the agents of a machine accept from a client, at each of their ports.

That of a Nomad server opens all. Nomad's servers look at its name, too.
"""

import socket
import ssl
import tempfile
from pathlib import Path

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.certificates import CONSUL, NOMAD, Identity
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import CONSUL_API_PORT, NOMAD_API_PORT

# The port of a server, its name, what begins TLS there, and what makes it answer or close.
_REQUEST = b"GET /v1/status/leader HTTP/1.0\r\n\r\n"
_DOORS = (
    (CONSUL_API_PORT, CONSUL, b"", _REQUEST),
    (NOMAD_API_PORT, NOMAD, b"", _REQUEST),
    (8300, CONSUL, b"\x03", b"\xff"),
    (4647, NOMAD, b"\x04", b"\xff"),
)
ALL = {door[0] for door in _DOORS}
LIMIT_SECONDS = 60


def open_to(site: Site, identity: Identity) -> set[int]:
    """Return the ports of both servers of this machine that accept the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificates.trusted(site))
    with tempfile.NamedTemporaryFile("w") as file:  # 0600
        Path(file.name).write_text(identity.certificate + identity.key)
        context.load_cert_chain(file.name)
    found = set()
    for port, role, first, request in _DOORS:
        is_shared = port not in (CONSUL_API_PORT, NOMAD_API_PORT)
        address = (is_shared and site.node.address) or "127.0.0.1"
        with socket.create_connection((address, port), LIMIT_SECONDS) as plain:
            plain.sendall(first)
            # A server that shows another authority's certificate is a defect: that is raised.
            with context.wrap_socket(plain, server_hostname=role.names[0]) as secured:
                if _answers(secured, request):
                    found.add(port)
    return found


def _answers(secured: ssl.SSLSocket, request: bytes) -> bool:
    """Return whether there is no refusal. In TLS 1.3 it comes after the handshake."""
    try:
        secured.sendall(request)
        secured.recv(1)
    except (ssl.SSLError, ConnectionError):
        return False
    return True
