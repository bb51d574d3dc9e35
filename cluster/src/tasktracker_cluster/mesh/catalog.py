"""Services in Consul's catalog: their sidecars and their checks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.mesh.requests import LIMIT_SECONDS

_ALLOCATION = re.compile(r"_nomad-task-([0-9a-f-]{36})-")


@dataclass(frozen=True)
class Sidecar:
    """The Envoy beside one instance of a service. `address` is its host and port in the mesh."""

    service: str
    address: tuple[str, int]
    allocation: str  # the full id; empty when Nomad did not register the instance
    node: str

    @classmethod
    def parse(cls, service: str, entry: Mapping[str, Any]) -> "Sidecar":
        """Read an entry of /v1/health/connect/SERVICE."""
        known = entry["Service"]
        found = _ALLOCATION.search(known["ID"])
        address = known["Address"], known["Port"]
        return cls(service, address, found[1] if found else "", entry["Node"]["Node"])


def sidecars(cluster: Cluster, service: str) -> list[Sidecar]:
    """Return the sidecars of a service, healthy or not."""
    entries = cluster.consul.call("GET", f"/v1/health/connect/{service}")
    return [Sidecar.parse(service, entry) for entry in entries]


def metrics(cluster: Cluster, service: str) -> list[Api]:
    """Return what each instance of a service answers with its metrics, on any machine."""
    entries = cluster.consul.call("GET", f"/v1/health/connect/{service}")
    known = [entry["Service"] for entry in entries]
    return [
        Api(service, f"http://{each['Address']}:{each['Meta']['metrics_port']}", {}, LIMIT_SECONDS)
        for each in known
        if "metrics_port" in (each["Meta"] or {})  # Nomad registered it
    ]


def failing_checks(cluster: Cluster, service: str, node: str = "") -> list[str] | None:
    """Return the names of a service's failing checks, None when the service has no instance.

    With `node`, only those of its instances there. A warning counts only while no instance passes:
    a database's replica warns, its leader passes. In a cluster of several nodes each name is
    followed by the node.
    """
    entries = cluster.consul.call("GET", f"/v1/health/service/{service}")
    entries = [entry for entry in entries if not node or entry["Node"]["Node"] == node]
    if not entries:
        return None
    checks = [check for entry in entries for check in entry["Checks"]]
    failing = [check for check in checks if check["Status"] == "critical"]
    passes = [all(c["Status"] == "passing" for c in entry["Checks"]) for entry in entries]
    if not any(passes):
        failing = [check for check in checks if check["Status"] != "passing"]
    return sorted({check["Name"] + on(cluster, check["Node"]) for check in failing})


def on(cluster: Cluster, node: str) -> str:
    """Return " on NODE" for a message, nothing when the cluster has one node only."""
    return f" on {node}" if cluster.has_several_nodes else ""
