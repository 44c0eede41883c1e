"""The port of outgoing HTTP: for OpenID providers now, and for webhooks."""

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

MOST_ANSWER = 64 << 10
"""Bytes of an answer's body that are read, unless a call says otherwise."""
DEADLINE = 15.0
"""Seconds from looking up the name to the last byte."""


class Unreachable(Exception):  # noqa: N818 - says what is there, as OSError's kin do
    """The server was not asked, or gave no answer that is any good; ``reason`` is for admins."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Blocked(Unreachable):
    """The URL is none that may be asked: nothing was sent."""


@frozen
class Parcel:
    """A request to a server of others. No redirect is followed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    most_answer: int = MOST_ANSWER
    deadline: float = DEADLINE


@frozen
class Received:
    """An answer as it came; a redirect is one like any other. Names of headers are lowercase."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Outgoing(Protocol):
    """Sends what tenants want sent: only to addresses that the operator's network is not behind."""

    def check(self, url: str) -> None:
        """Judge a URL by its form, without looking up its name.

        Raises:
            Blocked: naming the rule it breaks.
        """
        ...

    async def send(self, parcel: Parcel) -> Received:
        """Send a request once, and return the answer.

        Raises:
            Blocked: The URL, or any address that its name has, may not be asked.
            Unreachable: No answer in time, too large an answer, or a certificate that does not fit.
        """
        ...
