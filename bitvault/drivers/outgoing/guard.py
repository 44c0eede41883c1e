"""Where requests may go: which URLs, and which addresses (X51)."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from attrs import field, frozen

from bitvault.drivers.outgoing.port import Blocked
from bitvault.kernel.addresses import Address, Network

_DENIED = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "::/96",
            "::ffff:0:0/96",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)
"""Private and special addresses, and all that can stand for an IPv4 one: those are never needed."""
_PORTS = {"https": (443, 8443), "http": (80,)}
_LONGEST = 2048
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*")
_NUMERIC = re.compile(r"0x[0-9a-f]*|[0-9]+")


@frozen
class Allowed:
    """What the operator lets tenants reach besides the public internet; by default nothing.

    A host or network that is allowed may be asked on every port, and by plain HTTP.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = field(factory=tuple)

    @classmethod
    def of(cls, text: str) -> "Allowed":
        """Read a comma-separated list of host names, addresses and CIDR networks.

        Raises:
            ValueError: One is none of these.
        """
        hosts, networks = set(), []
        for word in filter(None, (one.strip().lower() for one in text.split(","))):
            try:
                networks.append(ip_network(word))
            except ValueError:
                if not _NAME.fullmatch(word) or _is_numeric(word):
                    raise
                hosts.add(word)
        return cls(frozenset(hosts), tuple(networks))

    def has_host(self, host: str) -> bool:
        """Say whether a name, or an address that stands for itself, is allowed."""
        literal = _literal(host)
        return host in self.hosts or (literal is not None and self.has_address(literal))

    def has_address(self, address: Address) -> bool:
        """Say whether an address is in a network that is allowed."""
        return any(
            address.version == network.version and address in network for network in self.networks
        )


@frozen
class Target:
    """A URL that may be asked, taken apart: ``host`` is ASCII, lowercase, without a last dot."""

    scheme: str
    host: str
    port: int
    path: str


def target(url: str, allowed: Allowed) -> Target:
    """Take a URL apart.

    Raises:
        Blocked: It is none, or breaks a rule.
    """
    parts = _split(url)
    host = _host(parts.hostname or "")
    known = allowed.has_host(host)
    default = _PORTS.get(parts.scheme)
    if default is None or (parts.scheme == "http" and not known):
        raise Blocked("the URL must begin with https://")
    port = _port(parts) or default[0]
    if port not in default and not known:
        raise Blocked(f"port {port} is not allowed; use {' or '.join(map(str, default))}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def check_address(address: str, allowed: Allowed, *, is_known: bool) -> None:
    """Judge one address of a host; ``is_known``: the operator allows the host by its name.

    Raises:
        Blocked: It is not a public one.
    """
    parsed = ip_address(address.partition("%")[0])
    if is_known or allowed.has_address(_plain(parsed)):
        return
    if not is_public(parsed):
        raise Blocked("the host has an address that is not public")


def is_public(address: Address) -> bool:
    """Say whether this is an ordinary address of the internet."""
    if any(address.version == network.version and address in network for network in _DENIED):
        return False
    return address.is_global and not address.is_multicast


def _plain(address: Address) -> Address:
    """Return what an address stands for: an operator's network holds it in either form."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _split(url: str) -> SplitResult:
    if len(url) > _LONGEST or not url.isprintable() or " " in url or "\\" in url:
        raise Blocked("the URL is not well-formed")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Blocked("the URL is not well-formed") from error
    if "@" in parts.netloc:
        raise Blocked("the URL must not name a user")
    if parts.fragment or not url.isascii():
        raise Blocked("the URL must be ASCII and have no fragment")
    return parts


def _port(parts: SplitResult) -> int | None:
    return parts.port


def _host(given: str) -> str:
    """Return a host name or address in its one spelling; others are often a way around a check."""
    host = given.lower().removesuffix(".")
    if _literal(host) is not None:
        return host
    if not _NAME.fullmatch(host) or len(host) > 253 or _is_numeric(host):  # noqa: PLR2004 - DNS
        raise Blocked("the URL needs the name of a host, or an address as it is usually written")
    return host


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_numeric(host: str) -> bool:
    """Say whether resolvers may read it as an IPv4 address (WHATWG: ends in a number)."""
    return _NUMERIC.fullmatch(host.rpartition(".")[2]) is not None
