"""Connecting to sidecars as Traefik does: with its leaf certificate, and checking theirs."""

import json
import os
import re
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasktracker_cluster.agents import consul
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import instances
from tasktracker_cluster.doctor.repairs import ENV, UP, restart
from tasktracker_cluster.errors import ApiError, BrokenHopError
from tasktracker_cluster.mesh.catalog import Sidecar
from tasktracker_cluster.mesh.requests import LIMIT_SECONDS
from tasktracker_cluster.topology import GATEWAY

NEW_TRAEFIK = f"{ENV}; nomad job stop traefik; {UP}"  # a new allocation logs in to Consul anew


def leaf(cluster: Cluster) -> Mapping[str, Any]:
    """Return Traefik's leaf certificate, asked for with Traefik's own token.

    Raises BrokenHopError when Consul gives Traefik none, or one that is not good now.
    """
    asking = consul.api(cluster.site, _token(cluster), LIMIT_SECONDS)
    try:
        found: dict[str, Any] = asking.call("GET", f"/v1/agent/connect/ca/leaf/{GATEWAY}")
    except ApiError as error:
        why = error.message.rstrip(".")
        raise BrokenHopError(f"Traefik gets no certificate: {why}", NEW_TRAEFIK) from None
    if not _moment(found["ValidAfter"]) <= datetime.now(UTC) < _moment(found["ValidBefore"]):
        raise BrokenHopError(f"it was good until {found['ValidBefore']}", NEW_TRAEFIK)
    domain = roots(cluster)["TrustDomain"]
    if found["ServiceURI"] != f"spiffe://{domain}/ns/default/dc/dc1/svc/{GATEWAY}":
        raise BrokenHopError(f"it names {found['ServiceURI']}", NEW_TRAEFIK)
    return found


def roots(cluster: Cluster) -> Mapping[str, Any]:
    """Return the authority's certificates and trust domain."""
    found: dict[str, Any] = cluster.consul.call("GET", "/v1/agent/connect/ca/roots")
    return found


def dial(cluster: Cluster, sidecar: Sidecar) -> ssl.SSLSocket:
    """Connect to a sidecar by mTLS, and check its name.

    Raises BrokenHopError when nothing listens, no handshake is made in time, or the name is
    another one.
    """
    repair = restart(sidecar.allocation, f"connect-proxy-{sidecar.service}")
    try:
        plain = socket.create_connection(sidecar.address, LIMIT_SECONDS)
        connection = _context(cluster).wrap_socket(plain)
    except OSError as error:  # time-outs and ssl.SSLError are among them
        where = "{}:{}".format(*sidecar.address)
        raise BrokenHopError(f"Envoy at {where} makes no connection: {error}", repair) from None
    names = (connection.getpeercert() or {}).get("subjectAltName", ())
    uris = [str(name[1]) for name in names if name[0] == "URI"]
    if not any(uri.endswith(f"/svc/{sidecar.service}") for uri in uris):
        connection.close()
        raise BrokenHopError(f"its certificate is for {', '.join(uris)}", repair)
    return connection


def admin_address(cluster: Cluster, sidecar: Sidecar) -> tuple[str, int]:
    """Return the address of Envoy's own admin API, inside its allocation's network."""
    task = f"nomad/alloc/{sidecar.allocation}/connect-proxy-{sidecar.service}"
    file = cluster.site.home / task / "secrets/envoy_bootstrap.json"
    where = json.loads(file.read_text())["admin"]["address"]["socket_address"]
    return where["address"], where["port_value"]


def _token(cluster: Cluster) -> str:
    allocation = instances.allocation(cluster, GATEWAY)["ID"]
    file = cluster.site.home / f"nomad/alloc/{allocation}/traefik/secrets/consul.env"
    try:
        found = re.search(r"(?m)^CONSUL_HTTP_TOKEN=(\S+)$", file.read_text())
    except OSError:
        found = None
    if found is None:
        raise BrokenHopError("Traefik's task has no Consul token", NEW_TRAEFIK)
    return found[1]


def _context(cluster: Cluster) -> ssl.SSLContext:
    found = leaf(cluster)
    context = ssl.create_default_context(
        cadata="".join(root["RootCert"] for root in roots(cluster)["Roots"])
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
