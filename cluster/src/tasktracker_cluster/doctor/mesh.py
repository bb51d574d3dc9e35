"""Speaking to sidecars as Traefik does: with its leaf certificate, and checking theirs."""

import json
import os
import re
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from tasktracker_cluster.agents import consul
from tasktracker_cluster.doctor.ground import ENV, LIMIT_SECONDS, UP, Ground, Instance, restart
from tasktracker_cluster.errors import ApiError, BrokenHopError
from tasktracker_cluster.machine import netns

SOURCE = "traefik"
NEW_TRAEFIK = f"{ENV}; nomad job stop traefik; {UP}"  # a new allocation logs in to Consul anew


class Answer(NamedTuple):
    status: int
    text: str


def leaf(ground: Ground) -> Mapping[str, Any]:
    """Traefik's leaf certificate, asked for with Traefik's own token.

    Raises BrokenHopError when Consul gives Traefik none, or one that is not good now.
    """
    asking = consul.api(ground.site, _token(ground), LIMIT_SECONDS)
    try:
        found: dict[str, Any] = asking.call("GET", f"/v1/agent/connect/ca/leaf/{SOURCE}")
    except ApiError as error:
        why = error.message.rstrip(".")
        raise BrokenHopError(f"Traefik gets no certificate: {why}", NEW_TRAEFIK) from None
    if not _moment(found["ValidAfter"]) <= datetime.now(UTC) < _moment(found["ValidBefore"]):
        raise BrokenHopError(f"it was good until {found['ValidBefore']}", NEW_TRAEFIK)
    domain = roots(ground)["TrustDomain"]
    if found["ServiceURI"] != f"spiffe://{domain}/ns/default/dc/dc1/svc/{SOURCE}":
        raise BrokenHopError(f"it names {found['ServiceURI']}", NEW_TRAEFIK)
    return found


def roots(ground: Ground) -> Mapping[str, Any]:
    """The authority's certificates and trust domain."""
    found: dict[str, Any] = ground.consul.call("GET", "/v1/agent/connect/ca/roots")
    return found


def dial(ground: Ground, instance: Instance) -> ssl.SSLSocket:
    """Connect to a sidecar by mTLS, and see that it is who it should be.

    Raises BrokenHopError: nobody listens, no handshake in time, or another name.
    """
    repair = restart(instance.allocation, f"connect-proxy-{instance.service}")
    try:
        plain = socket.create_connection(instance.address, LIMIT_SECONDS)
        connection = _context(ground).wrap_socket(plain)
    except OSError as error:  # time-outs and ssl.SSLError are among them
        where = "{}:{}".format(*instance.address)
        raise BrokenHopError(f"Envoy at {where} makes no connection: {error}", repair) from None
    names = (connection.getpeercert() or {}).get("subjectAltName", ())
    uris = [str(name[1]) for name in names if name[0] == "URI"]
    if not any(uri.endswith(f"/svc/{instance.service}") for uri in uris):
        connection.close()
        raise BrokenHopError(f"its certificate is for {', '.join(uris)}", repair)
    return connection


def get(connection: socket.socket, path: str) -> Answer:
    """GET over a connection, and close it. Raises OSError, HTTPException."""
    http = HTTPConnection("mesh", timeout=LIMIT_SECONDS)
    http.sock = connection
    try:
        http.request("GET", path, headers={"Connection": "close"})
        response = http.getresponse()
        return Answer(response.status, response.read().decode(errors="replace"))
    finally:
        http.close()


def admin(ground: Ground, instance: Instance) -> tuple[str, int]:
    """Where Envoy answers questions about itself, inside its allocation's network."""
    task = f"nomad/alloc/{instance.allocation}/connect-proxy-{instance.service}"
    file = ground.site.home / task / "secrets/envoy_bootstrap.json"
    where = json.loads(file.read_text())["admin"]["address"]["socket_address"]
    return where["address"], where["port_value"]


def get_inside(allocation: str, address: tuple[str, int], path: str) -> Answer | str:
    """GET from within an allocation's network; in place of an answer, why there is none."""
    try:
        return get(netns.connect(allocation, address, LIMIT_SECONDS), path)
    except (OSError, HTTPException) as error:
        return str(error)


def _token(ground: Ground) -> str:
    allocation = ground.allocation("traefik")["ID"]
    file = ground.site.home / f"nomad/alloc/{allocation}/traefik/secrets/consul.env"
    try:
        found = re.search(r"(?m)^CONSUL_HTTP_TOKEN=(\S+)$", file.read_text())
    except OSError:
        found = None
    if found is None:
        raise BrokenHopError("Traefik's task has no Consul token", NEW_TRAEFIK)
    return found[1]


def _context(ground: Ground) -> ssl.SSLContext:
    found = leaf(ground)
    context = ssl.create_default_context(
        cadata="".join(root["RootCert"] for root in roots(ground)["Roots"])
    )
    context.check_hostname = False  # names are SPIFFE ids: `dial` compares them
    # Python loads certificates from files only. This one is in memory, and never on a disk.
    with os.fdopen(os.memfd_create("leaf"), "w") as file:
        file.write(found["CertPEM"] + found["PrivateKeyPEM"])
        file.flush()
        context.load_cert_chain(Path(f"/proc/self/fd/{file.fileno()}"))
    return context


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
