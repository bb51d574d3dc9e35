"""The address of a gateway."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from tasktracker_cli.errors import UsageError

DEFAULT_URL = "http://localhost:8000"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Gateway:
    """The gateway's origin: all that decides whether a token may be sent there."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Gateway:
        """Read an address like http://localhost:8000. Raises UsageError for anything else."""
        try:
            parts = urlsplit(url)
            port = parts.port or _DEFAULT_PORTS[parts.scheme]
        except (ValueError, KeyError):
            raise _bad_url(url) from None
        host = parts.hostname or ""
        extras = parts.username or parts.password or parts.query or parts.fragment
        if extras or parts.path not in {"", "/"} or not _is_host(host):
            raise _bad_url(url)
        return cls(parts.scheme, host, port)

    @property
    def origin(self) -> str:
        """The address in its one canonical spelling: no default port, no slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def is_loopback(self) -> bool:
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")


def _is_host(host: str) -> bool:
    return host.isascii() and bool(host) and all(c.isalnum() or c in ".-_:" for c in host)


def _bad_url(url: str) -> UsageError:
    return UsageError(
        f"{url!r} is not the address of a gateway.", f"Give one like: {_with_scheme(url)}"
    )


def _with_scheme(url: str) -> str:
    """Return what was probably meant, if only the scheme is missing; else the default address."""
    if "://" in url:
        return DEFAULT_URL
    try:
        meant = Gateway.parse(f"https://{url}")
    except UsageError:
        return DEFAULT_URL
    return f"http://{url}" if meant.is_loopback else meant.origin
