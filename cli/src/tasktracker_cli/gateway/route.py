"""The way to the gateway: straight, over TLS, or through the proxy that the network has."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

from tasktracker_cli.address import Gateway
from tasktracker_cli.errors import UsageError


@dataclass(frozen=True)
class Route:
    """A connection, not yet open, and what a request over it begins with."""

    connection: HTTPConnection
    prefix: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def to(gateway: Gateway, timeout: float) -> Route:
    """Return the way to the gateway. What runs on this machine needs no proxy."""
    proxy = None if gateway.is_loopback else _proxy(gateway)
    if proxy is None:
        return Route(_connection(gateway.scheme, gateway.host, gateway.port, timeout))
    through = _connection(gateway.scheme, proxy.hostname or "", proxy.port or 80, timeout)
    credentials = _authorization(proxy)
    if gateway.scheme == "https":
        through.set_tunnel(gateway.host, gateway.port, credentials)
        return Route(through)
    return Route(through, gateway.origin, credentials)


def _connection(scheme: str, host: str, port: int, timeout: float) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(host, port, timeout=timeout)
    import ssl

    return HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())


def _proxy(gateway: Gateway) -> SplitResult | None:
    """Return the proxy of HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, unless NO_PROXY leaves it out."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    url = proxies.get(gateway.scheme) or proxies.get("all")
    if not url or proxy_bypass(f"{gateway.host}:{gateway.port}"):
        return None
    proxy = urlsplit(url if "://" in url else f"http://{url}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise UsageError(
            f"The proxy for {gateway.scheme} is not an http:// address.",
            "Change the environment's proxy, or name the gateway in NO_PROXY.",
        )
    return proxy


def _authorization(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
