"""How much the edge takes on at once; what comes on top is refused at once, so that it recovers.

A queue that grows with every request answers all of them too late: clients give up and ask again,
and the work for nobody goes on. Refused early, they come back when Retry-After says.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import attrs

from bitvault.edge.places import Places
from bitvault.edge.rejections import Rejected

AT_ONCE = 256
"""Requests in work: what the rooms do in about a second."""
HASHING_AT_ONCE = 16
"""Requests that hash a password, waiting ones too. Far less than the handlers of the room that
hashes: the others find out meanwhile whose token it is, for everybody."""
BODIES = 32
"""Bodies of full size that may be in memory at once."""
CONNECTIONS = 512
UNSENT_ANSWERS = 16 << 20
"""Bytes; each is in memory two or three times until its client takes it."""
_SHARE = 4
"""No user may hold more than one part in so many of what bodies may take."""


@attrs.define
class Gate:
    """Lets in up to ``most`` at once, in whatever is counted, and a share of it for each key."""

    most: int
    share: int | None = None
    inside: int = 0
    refused: int = 0
    _held: Counter[Hashable] = attrs.field(factory=Counter)

    def check(self) -> None:
        """Refuse when there is no room at all, before anything was done for a request.

        Raises:
            Rejected: ``overloaded``.
        """
        if self.inside >= self.most:
            self._refuse()

    @contextmanager
    def entered(self, size: int = 1, key: Hashable = None) -> Iterator[None]:
        """Hold ``size`` for as long as the block lasts.

        Raises:
            Rejected: ``overloaded``; there is no room for it, or not for this key.
        """
        limit = self.most if self.share is None else self.share
        if self.inside + size > self.most or self._held.get(key, 0) + size > limit:
            self._refuse()
        self.inside += size
        self._held[key] += size
        try:
            yield
        finally:
            self.inside -= size
            self._held[key] -= size
            if not self._held[key]:
                del self._held[key]

    def _refuse(self) -> None:
        self.refused += 1
        raise Rejected("overloaded", "The server has too much to do; retry when Retry-After says.")


@attrs.define
class Capacity:
    """The gates of one edge."""

    requests: Gate
    hashing: Gate
    bodies: Gate
    connections: Places
    answers: Places
    """Bytes of large answers that their clients have not taken yet."""

    @classmethod
    def of(
        cls,
        requests_at_once: int,
        body_limit: int,
        connections: int = CONNECTIONS,
        unsent_answers: int = UNSENT_ANSWERS,
    ) -> "Capacity":
        """Make the gates; ``body_limit`` is the size of the largest body."""
        room = BODIES * body_limit
        return cls(
            Gate(requests_at_once),
            Gate(HASHING_AT_ONCE),
            Gate(room, share=room // _SHARE),
            Places(connections),
            Places(unsent_answers),
        )
