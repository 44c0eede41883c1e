"""The consumer of events: its effect is the row of a mail, in the transaction of its cursor."""

from collections.abc import Sequence

from attrs import frozen

from bitvault.actors.notifier import store
from bitvault.actors.notifier.rules.queueing import drafts_of
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.events import SUBJECTS, Recorded


@frozen
class MailQueue:
    """Queues a mail once for each event, recipient and kind; webhooks are a consumer of their own.

    Where no mail server is set it lets events pass: one that is set later tells of nothing old.
    """

    is_on: bool = False
    name: str = "notifier"
    subjects: Sequence[str] = SUBJECTS

    async def apply(self, tx: Transaction, event: Recorded) -> None:
        """Queue the mails of an event."""
        if self.is_on:
            for draft in drafts_of(event):
                await store.insert_mail(tx, event, draft)
