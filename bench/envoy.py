"""Configurations of Envoy with the least that a sidecar must do.

Each is static: mTLS, one rule of who may connect, and a proxy. There are no statistics, no
discovery, no access log and no other filter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Config = dict[str, Any]

_TYPE = "type.googleapis.com/envoy.extensions"
_TLS = f"{_TYPE}.transport_sockets.tls.v3"


@dataclass(frozen=True)
class Certificates:
    """The files of one party, and the names of the two others by the authority's certificates."""

    authority: Path
    certificate: Path
    key: Path

    def common(self, **more: Any) -> Config:
        """Return the part of a TLS context that both ends have."""
        files = {"filename": str(self.certificate)}, {"filename": str(self.key)}
        return {
            "tls_certificates": [{"certificate_chain": files[0], "private_key": files[1]}],
            "validation_context": {"trusted_ca": {"filename": str(self.authority)}, **more},
        }


def program(listeners: Sequence[Config], clusters: Sequence[Config]) -> Config:
    """Return the whole configuration of one Envoy."""
    return {
        "static_resources": {"listeners": listeners, "clusters": clusters},
        "stats_config": {"stats_matcher": {"reject_all": True}},
    }


def outbound(port: int, cluster: str) -> Config:
    """Return a listener on loopback whose bytes go to a cluster."""
    return _listener("127.0.0.1", port, {"filters": [_tcp_proxy(cluster)]})


def inbound_http(port: int, cluster: str, caller: str, path: str, own: Certificates) -> Config:
    """Return a listener for requests of `caller`, which may only get `path`."""
    rule = _rule(caller, {"url_path": {"path": {"exact": path}}})
    filters = [
        _filter("envoy.filters.http.rbac", "filters.http.rbac.v3.RBAC", rules=rule),
        _filter("envoy.filters.http.router", "filters.http.router.v3.Router"),
    ]
    route = {"match": {"prefix": "/"}, "route": {"cluster": cluster}}
    manager = _filter(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="bare",
        generate_request_id=False,
        route_config={"virtual_hosts": [{"name": "bare", "domains": ["*"], "routes": [route]}]},
        http_filters=filters,
    )
    return _listener("0.0.0.0", port, {"filters": [manager], **_server_tls(own)})  # noqa: S104


def inbound_tcp(port: int, cluster: str, caller: str, own: Certificates) -> Config:
    """Return a listener for connections of `caller`."""
    rule = _rule(caller, {"any": True})
    rbac = _filter(
        "envoy.filters.network.rbac", "filters.network.rbac.v3.RBAC", rules=rule, stat_prefix="bare"
    )
    filters = [rbac, _tcp_proxy(cluster)]
    return _listener("0.0.0.0", port, {"filters": filters, **_server_tls(own)})  # noqa: S104


def local(name: str, port: int) -> Config:
    """Return a cluster on loopback."""
    return _cluster(name, "127.0.0.1", port)


def remote(name: str, address: str, port: int, own: Certificates) -> Config:
    """Return a cluster that is reached by mTLS. Its certificate must be for `name`."""
    names = [{"san_type": "DNS", "matcher": {"exact": name}}]
    tls = own.common(match_typed_subject_alt_names=names)
    context = {"@type": f"{_TLS}.UpstreamTlsContext", "common_tls_context": tls}
    socket = {"name": "envoy.transport_sockets.tls", "typed_config": context}
    return {**_cluster(name, address, port), "transport_socket": socket}


def _listener(address: str, port: int, chain: Config) -> Config:
    return {"name": f"on-{port}", "address": _address(address, port), "filter_chains": [chain]}


def _cluster(name: str, address: str, port: int) -> Config:
    endpoint = {"endpoint": {"address": _address(address, port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(address: str, port: int) -> Config:
    return {"socket_address": {"address": address, "port_value": port}}


def _server_tls(own: Certificates) -> Config:
    context = {
        "@type": f"{_TLS}.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": own.common(),
    }
    return {
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context},
    }


def _tcp_proxy(cluster: str) -> Config:
    return _filter(
        "envoy.filters.network.tcp_proxy",
        "filters.network.tcp_proxy.v3.TcpProxy",
        stat_prefix="bare",
        cluster=cluster,
    )


def _rule(caller: str, permission: Mapping[str, Any]) -> Config:
    who = {"authenticated": {"principal_name": {"exact": caller}}}
    return {"policies": {"caller": {"permissions": [permission], "principals": [who]}}}


def _filter(name: str, kind: str, **settings: Any) -> Config:
    return {"name": name, "typed_config": {"@type": f"{_TYPE}.{kind}", **settings}}
