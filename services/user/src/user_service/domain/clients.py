"""The client of a request, as far as its address tells."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

LOOPBACK = "127.0.0.1"
"""The machine itself, for all of its 16 million addresses."""


def network(host: str) -> str:
    """Return the client that an address stands for: itself, or its /64 where it is IPv6.

    A single IPv6 customer can choose from all addresses of a /64. An IPv4 address in the form of
    IPv6 is the IPv4 address. All texts that are no address are one client.
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

    peer: the address of the connection. hops: the values of X-Forwarded-For. Only the last hop
    counts, because the client may have sent the others. Without any, the peer is the client.
    """
    last = ",".join(hops).rpartition(",")[2].strip()
    return network(last or peer)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
