"""The consumer of events: its effect is the row of a mail, in the transaction of its cursor."""

from collections.abc import Collection, Sequence

from attrs import frozen

from bitvault.actors.identity.contract import (
    EmailConfirmed,
    EmailProposed,
    EmailRemoved,
    PasswordChanged,
    PasswordReset,
    RefreshReused,
    ResetRequested,
    TokenCreated,
    UserInvited,
)
from bitvault.actors.notifier import store
from bitvault.actors.notifier.rules import limits
from bitvault.actors.notifier.rules.queueing import Draft, drafts_of, mail_id_of
from bitvault.actors.sharing.contract import ShareGranted
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.events import Event, Recorded


@frozen
class MailQueue:
    """Queues a mail once for each event, recipient and kind; webhooks are a consumer of their own.

    Where no mail server is set it lets events pass: one that is set later tells of nothing old.
    """

    is_on: bool = False
    name: str = "notifier"
    events: Collection[type[Event]] = (
        UserInvited,
        TokenCreated,
        RefreshReused,
        ResetRequested,
        PasswordChanged,
        PasswordReset,
        EmailProposed,
        EmailConfirmed,
        EmailRemoved,
        ShareGranted,
    )

    async def apply_many(self, tx: Transaction, events: Sequence[Recorded]) -> None:
        """Queue the mails of events."""
        for event in events if self.is_on else ():
            for draft in drafts_of(event):
                await self._queue(tx, event, draft)

    async def _queue(self, tx: Transaction, event: Recorded, draft: Draft) -> None:
        """Queue a mail, or note that it was one too many."""
        if not await store.insert_mail(tx, event, draft):
            return
        charges, now = limits.queued(draft, event.user_id), event.recorded_at
        if not await store.spend(tx, event.tenant_id, charges, now):
            mail_id = mail_id_of(event, draft)
            await store.drop_mail(tx, event.tenant_id, mail_id, limits.OVER, now)
