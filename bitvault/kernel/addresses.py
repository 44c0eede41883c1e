"""Internet addresses as text: parsed once, compared as networks."""

import ipaddress
import re
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.IGNORECASE)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LONGEST = 64
_SUBSCRIBER = 64
"""Bits of an IPv6 address that name a customer; the others are the customer's own choice."""
_SITE_V4, _SITE_V6 = 24, 48
"""Bits that name what one customer may have at most: a /48 is 65,536 of the networks above."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Address | None:
    """Return the address, an IPv4 one mapped into IPv6 as IPv4; None for anything else."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def subscriber(text: str) -> str:
    """Return what stands for one client in a limit: an IPv4 address, or the /64 of an IPv6 one."""
    address = parse(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), _SUBSCRIBER), strict=False))
    return text[:_LONGEST] if address is None else str(address)


@lru_cache(maxsize=4096)
def site(text: str) -> str:
    """Return what stands for many clients of one hand: the /24 of an IPv4 address, or the /48."""
    address = parse(text)
    if address is None:
        return text[:_LONGEST]
    bits = _SITE_V6 if isinstance(address, ipaddress.IPv6Address) else _SITE_V4
    return str(ipaddress.ip_network((str(address), bits), strict=False))


def networks(text: str) -> tuple[Network, ...]:
    """Read a comma-separated list of addresses and CIDR networks.

    Raises:
        ValueError: One is neither.
    """
    words = (word.strip() for word in text.split(","))
    return tuple(ipaddress.ip_network(word) for word in words if word)


def is_host_or_network(word: str) -> bool:
    """Say whether a word names a host, an address or a CIDR network."""
    if not (word.rpartition(".")[2].isdecimal() or "/" in word or ":" in word):
        return bool(_HOST.fullmatch(word))
    try:
        return len(networks(word)) == 1
    except ValueError:
        return False
