"""Whom a request comes from, as far as an address tells."""

from ipaddress import IPv6Network, ip_address


def network(host: str) -> str:
    """Return the client that an address stands for: itself, or its /64 where it is IPv6.

    A single IPv6 customer has a whole /64 to choose addresses from. What is no address is one
    client together.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(IPv6Network((int(address), 64), strict=False))
