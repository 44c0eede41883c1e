"""Who a request comes from when proxies stand in between; only the configured ones are believed.

Each proxy appends the address it was called from. So the chain is read from its right end, and the
first address that is no proxy of ours is the client: whatever stands left of it, the client wrote.
"""

import re
from collections.abc import Iterator, Sequence

from attrs import frozen
from werkzeug.datastructures import Headers

from bitvault.kernel.addresses import Address, Network, parse

X_FORWARDED_FOR = "X-Forwarded-For"
FORWARDED = "Forwarded"
HEADERS = (X_FORWARDED_FOR, FORWARDED)

_MOST_HOPS = 32
_WORD = r"[!#$%&'*+.^_`|~\w-]+"
_PAIR = re.compile(rf'\s*(?P<name>{_WORD})=(?:"(?P<quoted>[^"\\]*)"|(?P<bare>{_WORD}))\s*')
_NODE = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?|(?P<bare>[0-9A-Fa-f:.]+)"
)


@frozen
class Proxies:
    """The proxies in front of this server, and the one header in which they say who called them.

    One header and not whichever is there: a proxy passes on the other one as its client wrote it.
    """

    trusted: Sequence[Network] = ()
    header: str = X_FORWARDED_FOR

    def client(self, peer: str, headers: Headers) -> str:
        """Return the address a request comes from.

        Args:
            peer: The other end of the connection.
            headers: The request's.
        """
        nearest = parse(peer)
        if nearest is None or not self.trusts(nearest):
            return peer
        client = nearest
        for hop in self._hops(headers):
            # What is no address ends the chain: from there on it proves nothing.
            if hop is None:
                break
            client = hop
            if not self.trusts(hop):
                break
        return str(client)

    def is_unknown(self, peer: str, headers: Headers) -> bool:
        """Say whether the other end speaks as a proxy though it is none of ours."""
        nearest = parse(peer)
        return self.header in headers and (nearest is None or not self.trusts(nearest))

    def trusts(self, address: Address) -> bool:
        """Say whether an address is one of the proxies."""
        return any(address in network for network in self.trusted)

    def _hops(self, headers: Headers) -> Iterator[Address | None]:
        """Yield who called each proxy, nearest first."""
        chain = ",".join(headers.getlist(self.header))
        if not chain.strip():
            return
        for element in reversed(chain.split(",")[-_MOST_HOPS:]):
            node = _named(element) if self.header == FORWARDED else element.strip()
            yield None if node is None else _address(node)


def _named(element: str) -> str | None:
    """Return the node of an element of RFC 7239.

    Elements are told apart by commas alone: an address has none, and a quote that a client left
    open must not swallow what the proxies wrote after it.
    """
    node = None
    for pair in element.split(";"):
        match = _PAIR.fullmatch(pair)
        if match is None:
            return None
        if match["name"].lower() == "for":
            node = match["quoted"] if match["bare"] is None else match["bare"]
    return node


def _address(node: str) -> Address | None:
    """Read a node: an address, an IPv6 one in brackets if a port follows."""
    match = _NODE.fullmatch(node)
    return parse(match["six"] or match["four"] or match["bare"]) if match else None
