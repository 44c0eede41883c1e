"""The port of outgoing mail."""

from typing import Protocol

from attrs import field, frozen


@frozen
class Mail:
    """One mail to one recipient, as text and as HTML."""

    mail_id: str
    """The left part of Message-ID: the same for the same mail, so that a second copy is known."""
    recipient: str
    """An address, ``ann@example.org``."""
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    unsubscribe: str = ""
    """The URL to which mail programs POST when somebody wants no more of these (RFC 8058)."""


@frozen
class Rejection:
    """The mail server does not take this mail; ``is_permanent``: nor will it later."""

    reason: str
    is_permanent: bool


class Mailer(Protocol):
    """Hands mails to a server that delivers them, one after the other.

    ``DependencyDown`` says that the server takes no mail at all now: it cannot be reached, its
    certificate is not good, it does not let us in, or refuses the sender. No mail is to blame.
    """

    async def send(self, mail: Mail) -> Rejection | None:
        """Hand over a mail; None: the server has it. It may have it after a rejection, too."""
        ...

    async def rest(self) -> None:
        """Say that nothing is to be sent for a while: let connections go."""
        ...
