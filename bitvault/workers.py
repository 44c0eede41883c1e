"""Relays and workers: all that runs in the background, for the page that puts it in the tree.

Each tells of its turns on the wiring's board, where the room of jobs finds them.
"""

from bitvault.actors.audit.actor.writer import DownloadWriter
from bitvault.actors.audit.consumer import AuditSink
from bitvault.actors.finalizer.actor import Finalizer, finalizer_child
from bitvault.actors.finalizer.actor.leaving import Leaving
from bitvault.actors.identity.actor.doorkeeper import Doorbell, doorbell_child
from bitvault.actors.notifier.actor.sender import Sender
from bitvault.actors.notifier.actor.writer import Writer
from bitvault.actors.notifier.consumer import MailQueue
from bitvault.actors.sharing.consumer import GrantSweeper
from bitvault.outbox import RELAY, Consumer, ConsumerLoop, Relay
from bitvault.wiring import Choices, Wiring
from supervisors import Child, ChildSpec

CONSUMERS: tuple[Consumer, ...] = (AuditSink(), GrantSweeper(), MailQueue())
"""Here ``MailQueue`` lets everything pass: whether there is a mail server, the settings say."""
LEAVING = ("sso", "sharing", "files", "storage"), ("letters", "notifier", "audit")
"""Who deletes a tenant's rows before identity does: who appends events, then who keeps them."""


def relays(wiring: Wiring) -> list[ChildSpec]:
    """Describe what tells consumers of events."""

    async def outbox(child: Child) -> None:
        turns = wiring.board.turns(RELAY)
        await Relay(wiring.database, wiring.bus, wiring.wakeups, turns=turns).run(child)

    return [ChildSpec("outbox", outbox)]


def workers(wiring: Wiring, choices: Choices) -> list[ChildSpec]:
    """Describe the consumers, and those who work on a timer."""

    def consumer(applies: Consumer) -> ChildSpec:
        async def live(child: Child) -> None:
            turns = wiring.board.turns(applies.name)
            loop = ConsumerLoop(applies, wiring.database, wiring.bus, wiring.clock, turns=turns)
            await loop.run(child)

        return ChildSpec(applies.name, live)

    timed = [_finalizer(wiring, choices), _doorbell(wiring), *_senders(wiring, choices)]
    timed.append(_downloads(wiring))
    return [*map(consumer, consumers_of(wiring)), *timed]


def consumers_of(wiring: Wiring) -> tuple[Consumer, ...]:
    """Return the consumers as this daemon has them."""
    mail = MailQueue(is_on=wiring.mailer is not None)
    return tuple(mail if isinstance(each, MailQueue) else each for each in CONSUMERS)


def _finalizer(wiring: Wiring, choices: Choices) -> ChildSpec:
    ref = wiring.registry.ref
    files, storage, sharing = ref("files"), ref("storage"), ref("sharing")
    writing, told = ([*map(ref, names)] for names in LEAVING)
    leaving = Leaving(ref("identity"), writing, told)
    finalizer = Finalizer(
        files,
        storage,
        wiring.clock,
        choices.garbage_interval,
        sharing=sharing,
        leaving=leaving,
        board=wiring.board,
    )
    return finalizer_child(finalizer)


def _doorbell(wiring: Wiring) -> ChildSpec:
    identity, turns = wiring.registry.ref("identity"), wiring.board.turns("doorbell")
    return doorbell_child(Doorbell(identity, turns=turns))


def _downloads(wiring: Wiring) -> ChildSpec:
    async def downloads(child: Child) -> None:
        turns = wiring.board.turns("downloads")
        await DownloadWriter(wiring.downloads, wiring.database, turns=turns).run(child)

    return ChildSpec("downloads", downloads)


def _senders(wiring: Wiring, choices: Choices) -> list[ChildSpec]:
    """Describe who sends mail, if there is a server to send it to."""
    if (mailer := wiring.mailer) is None:
        return []
    identity, files = wiring.registry.ref("identity"), wiring.registry.ref("files")
    writer = Writer(identity, files, choices.server)

    async def mail(child: Child) -> None:
        turns = wiring.board.turns("mail")
        await Sender(wiring.database, mailer, writer, wiring.clock, turns=turns).run(child)

    return [ChildSpec("mail", mail)]
