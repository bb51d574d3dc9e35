"""Connections to sidecars as Traefik makes them: with its leaf certificate, and checking theirs."""

import json
import os
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
from tasktracker_cluster.mesh import catalog
from tasktracker_cluster.mesh.catalog import Sidecar
from tasktracker_cluster.mesh.requests import CONNECT_SECONDS, LIMIT_SECONDS
from tasktracker_cluster.topology import GATEWAY

NEW_TRAEFIK = f"{ENV}; nomad job stop traefik; {UP}"  # a new allocation gets a new Consul token


def leaf(cluster: Cluster) -> Mapping[str, Any]:
    """Return Traefik's leaf certificate, requested with Traefik's own token.

    Raises BrokenHopError when Consul refuses it, or when it is not valid now or not for Traefik.
    """
    api = consul.api(cluster.site, _token(cluster), LIMIT_SECONDS)
    try:
        found: dict[str, Any] = api.call("GET", f"/v1/agent/connect/ca/leaf/{GATEWAY}")
    except ApiError as error:
        reason = error.message.rstrip(".")
        raise BrokenHopError(f"Traefik gets no certificate: {reason}", NEW_TRAEFIK) from None
    start, end = map(datetime.fromisoformat, (found["ValidAfter"], found["ValidBefore"]))
    if not start <= datetime.now(UTC) < end:
        raise BrokenHopError(f"it was valid until {found['ValidBefore']}", NEW_TRAEFIK)
    domain = roots(cluster)["TrustDomain"]
    if found["ServiceURI"] != f"spiffe://{domain}/ns/default/dc/dc1/svc/{GATEWAY}":
        raise BrokenHopError(f"it names {found['ServiceURI']}", NEW_TRAEFIK)
    return found


def is_used(cluster: Cluster, leaf: Mapping[str, Any]) -> bool:
    """Return whether the certificate is in the file that Nomad renders for Traefik."""
    try:
        text = (_secrets(cluster) / "dynamic" / "mesh.yml").read_text()
    except OSError:
        return False
    return _without_spaces(leaf["CertPEM"]) in _without_spaces(text)


def _without_spaces(text: str) -> str:
    return "".join(text.split())


def roots(cluster: Cluster) -> Mapping[str, Any]:
    """Return the mesh authority's certificates and trust domain."""
    found: dict[str, Any] = cluster.consul.call("GET", "/v1/agent/connect/ca/roots")
    return found


def dial(cluster: Cluster, sidecar: Sidecar) -> ssl.SSLSocket:
    """Connect to a sidecar by mTLS, and check its name.

    Raises BrokenHopError when nothing listens, when the handshake fails or takes too long, or when
    the certificate is for another service.
    """
    repair = restart(sidecar.allocation, f"connect-proxy-{sidecar.service}")
    place = catalog.on(cluster, sidecar.node)
    try:
        context = _context(cluster)  # first: when it fails, no connection is left open
        plain = socket.create_connection(sidecar.address, CONNECT_SECONDS)
        plain.settimeout(LIMIT_SECONDS)
        connection = context.wrap_socket(plain)
    except OSError as error:  # includes time-outs and ssl.SSLError
        where = "{}:{}".format(*sidecar.address)
        raise BrokenHopError(
            f"Envoy at {where}{place} makes no connection: {error}", repair
        ) from None
    names = (connection.getpeercert() or {}).get("subjectAltName", ())
    uris = [str(name[1]) for name in names if name[0] == "URI"]
    if not any(uri.endswith(f"/svc/{sidecar.service}") for uri in uris):
        connection.close()
        raise BrokenHopError(f"its certificate{place} is for {', '.join(uris)}", repair)
    return connection


def admin_address(cluster: Cluster, sidecar: Sidecar) -> tuple[str, int]:
    """Return the address of Envoy's own admin API, inside its network on this machine.

    Raises BrokenHopError when Nomad has not written Envoy's settings: it registers an instance
    before it starts its tasks, and deletes the files of one that has ended.
    """
    task = f"connect-proxy-{sidecar.service}"
    file = instances.folder(cluster, sidecar.allocation) / task / "secrets/envoy_bootstrap.json"
    try:
        where = json.loads(file.read_text())["admin"]["address"]["socket_address"]
    except (OSError, ValueError):
        repair = restart(sidecar.allocation, task)
        raise BrokenHopError("Envoy has no settings", repair) from None
    return where["address"], where["port_value"]


def _token(cluster: Cluster) -> str:
    try:
        return (_secrets(cluster) / "consul_token").read_text()
    except OSError:
        raise BrokenHopError("Traefik's task has no Consul token", NEW_TRAEFIK) from None


def _secrets(cluster: Cluster) -> Path:
    allocation = instances.local(cluster, GATEWAY)["ID"]
    return instances.folder(cluster, allocation) / "traefik/secrets"


def _context(cluster: Cluster) -> ssl.SSLContext:
    found = leaf(cluster)
    context = ssl.create_default_context(
        cadata="".join(root["RootCert"] for root in roots(cluster)["Roots"])
    )
    context.check_hostname = False  # names are SPIFFE ids: `dial` compares them
    # Python loads certificates only from files. This file is in memory and never on a disk.
    with os.fdopen(os.memfd_create("leaf"), "w") as file:
        file.write(found["CertPEM"] + found["PrivateKeyPEM"])
        file.flush()
        context.load_cert_chain(Path(f"/proc/self/fd/{file.fileno()}"))
    return context
