"""A mail server in memory, for the simulator and for tests of rooms."""

from attrs import define, field

from bitvault.drivers.mail.port import Mail, Rejection
from bitvault.kernel.refusal import DependencyDown


@define(eq=False)
class MemoryMailer:
    """Implements ``Mailer``: keeps what was sent, and goes wrong as it is told."""

    sent: list[Mail] = field(factory=list)
    is_down: bool = False
    rejections: dict[str, Rejection] = field(factory=dict)
    """By recipient."""
    rests: int = 0

    async def send(self, mail: Mail) -> Rejection | None:
        """Keep a mail, unless told otherwise."""
        if self.is_down:
            raise DependencyDown("mail server", "is down")
        if (rejection := self.rejections.get(mail.recipient)) is not None:
            return rejection
        self.sent.append(mail)
        return None

    async def rest(self) -> None:
        """Count it."""
        self.rests += 1
