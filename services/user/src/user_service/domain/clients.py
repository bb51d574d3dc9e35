"""Whom a request comes from, as far as an address tells."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

LOOPBACK = "127.0.0.1"
"""The machine itself, whichever of its 16 million addresses it uses."""


def network(host: str) -> str:
    """Return the client that an address stands for: itself, or its /64 where it is IPv6.

    A single IPv6 customer has a whole /64 to choose addresses from. An IPv4 address that is written
    as IPv6 is the IPv4 address. What is no address is one client together.
    """
    try:
        address = _plain(ip_address(host))
    except ValueError:
        return "unknown"
    if address.is_loopback:
        return LOOPBACK
    if address.version == 4:
        return str(address)
    return str(IPv6Network((int(address), 64), strict=False))


def behind_gateway(peer: str, hops: list[str]) -> str:
    """Return the client of a request that a gateway has passed on.

    peer: whose connection it is; hops: what the gateway says, as in X-Forwarded-For. Only the last
    hop counts: those before it came from the client. Without any, the peer is the client.
    """
    said = ",".join(hops).rpartition(",")[2].strip()
    return network(said or peer)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
