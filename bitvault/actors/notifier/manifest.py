"""The notifier, for those who run it."""

from collections.abc import Sequence

from bitvault.actors.notifier.actor import Notifier
from bitvault.actors.notifier.actor.sender import Sender
from bitvault.actors.notifier.actor.writer import Writer
from bitvault.actors.notifier.consumer import MailQueue
from bitvault.kernel.erasure import Phase
from bitvault.kernel.settings import Settings
from bitvault.manifest import Context, JobSpec, Manifest
from supervisors import Child, ChildSpec


def _options(settings: Settings) -> str:
    """Say where the links in mails lead."""
    return settings.server.public_url.rstrip("/")


def _make(here: Context[str]) -> Notifier:
    wiring = here.wiring
    return Notifier(wiring.database, wiring.clock, wiring.mailer is not None)


def _queue(here: Context[str]) -> MailQueue:
    return MailQueue(is_on=here.wiring.mailer is not None)


def _workers(here: Context[str]) -> Sequence[ChildSpec]:
    """Describe who sends mail, if there is a server to send it to."""
    wiring = here.wiring
    if (mailer := wiring.mailer) is None:
        return []
    writer = Writer(here.ref("identity"), here.ref("files"), here.options)

    async def mail(child: Child) -> None:
        turns = wiring.board.turns("mail")
        lease = wiring.lease("mail")
        sender = Sender(wiring.database, mailer, writer, wiring.clock, lease=lease, turns=turns)
        await sender.run(child)

    return [ChildSpec("mail", mail)]


NOTIFIER = Manifest(
    package=__package__,
    actor=Notifier,
    make=_make,
    options=_options,
    consumers={"notifier": _queue},
    workers=_workers,
    jobs=(
        JobSpec("notifier", "queues the mails that events call for"),
        JobSpec("mail", "sends the mails that are queued"),
    ),
    erasure=Phase.READERS,
)
