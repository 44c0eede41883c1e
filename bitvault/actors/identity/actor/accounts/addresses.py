"""Where users get mail."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from attrs import define

from bitvault.actors.identity.actor.accounts.own_password import OwnPassword
from bitvault.actors.identity.contract import (
    KINDS_TO_MUTE,
    ConfirmEmail,
    DescribeFormer,
    DescribeRecipient,
    EmailConfirmed,
    EmailProposed,
    EmailRemoved,
    GetMailSettings,
    LinkSpent,
    MailSettings,
    MintConfirmation,
    Mute,
    ProposeEmail,
    ProposeOwnEmail,
    Recipient,
    SecretLetter,
    TooManyProposals,
    UserNotFound,
)
from bitvault.actors.identity.rules import IdentityOptions, mail
from bitvault.actors.identity.store import accounts
from bitvault.actors.identity.store import mailboxes as store
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UserId
from bitvault.kernel.limits import seconds_to_wait
from bitvault.kernel.principal import Caller, admin_of, operator_of
from bitvault.kernel.refusal import DependencyDown, Invalid, Refused
from bitvault.outbox import Outbox
from supervisors import handles

_CONFIRM_LIFE: Final = timedelta(days=1)
_FORMER_KEPT: Final = timedelta(days=4)
"""Longer than a notice may wait in the queue, which is three."""


@define(eq=False)
class Addresses:
    """An address counts once its user confirmed it while logged in."""

    database: Database
    outbox: Outbox
    clock: Clock
    ids: Ids
    limits: Limits
    options: IdentityOptions
    own_password: OwnPassword

    @handles(GetMailSettings)
    async def get_mail_settings(self, request: GetMailSettings) -> MailSettings:
        """Say where the caller or, for admins, another user gets mail."""
        caller, user_id = request.caller, request.user_id
        if user_id is not None:
            admin_of(caller, "see where others get mail")

        async def work(tx: Transaction) -> MailSettings:
            if user_id and await accounts.hold_user(tx, caller.tenant_id, user_id) is None:
                raise Refused(UserNotFound(str(user_id)))
            return await store.mailbox(tx, caller.tenant_id, user_id or caller.principal.user_id)

        return await self.database.transact(caller.tenant_id, work)

    @handles(Mute)
    async def mute(self, request: Mute) -> MailSettings:
        """Say which kinds of mail the caller does without."""
        unknown = set(request.muted) - set(KINDS_TO_MUTE)
        if unknown:
            raise Refused(Invalid("muted", f"each must be one of {', '.join(KINDS_TO_MUTE)}"))
        tenant_id, user_id = request.caller.tenant_id, request.caller.principal.user_id

        async def work(tx: Transaction) -> MailSettings:
            await store.mute(tx, tenant_id, user_id, sorted(set(request.muted)))
            return await store.mailbox(tx, tenant_id, user_id)

        return await self.database.transact(tenant_id, work)

    @handles(ProposeOwnEmail)
    async def propose_own_email(self, request: ProposeOwnEmail) -> MailSettings:
        """Have the question sent to a new address; a stolen session is not enough for that."""
        caller, user_id = request.caller, request.caller.principal.user_id
        email = None if request.email is None else mail.checked_email(request.email)
        if email is not None:
            mail.check_sends_mail(self.options)
        await self.own_password.proven(caller, request.password)

        async def work(tx: Transaction) -> MailSettings:
            await accounts.hold_user(tx, caller.tenant_id, user_id)
            return await self._propose(tx, caller, user_id, email)

        return await self._limited(caller, user_id, email, work)

    @handles(ProposeEmail)
    async def propose_email(self, request: ProposeEmail) -> MailSettings:
        """Have the question sent to a new address of a user."""
        caller = admin_of(request.caller, "say where others get mail")
        email = mail.checked_email(request.email)
        mail.check_sends_mail(self.options)

        async def work(tx: Transaction) -> MailSettings:
            user = await accounts.hold_user(tx, caller.tenant_id, request.user_id)
            if user is None:
                raise Refused(UserNotFound(str(request.user_id)))
            if user.kind != "person":
                raise Refused(Invalid("id", "a service account gets no mail"))
            if user.is_operator:
                operator_of(caller)
            return await self._propose(tx, caller, request.user_id, email)

        return await self._limited(caller, request.user_id, email, work)

    async def _limited(
        self,
        caller: Caller,
        user_id: UserId,
        email: str | None,
        work: Callable[[Transaction], Awaitable[MailSettings]],
    ) -> MailSettings:
        """Charge a proposal, unless nothing comes of it; to have no address costs nobody a mail."""
        charges = () if email is None else mail.proposals(caller.principal, user_id)
        if charges and (wait := seconds_to_wait(await self.limits.take(charges))):
            raise Refused(TooManyProposals(wait))
        try:
            return await self.database.transact(caller.tenant_id, work)
        except (Refused, DependencyDown):
            await self.limits.give_back(charges)
            raise

    async def _propose(
        self, tx: Transaction, caller: Caller, user_id: UserId, email: str | None
    ) -> MailSettings:
        """Write it down; the account is held."""
        former_id = await self._keep_former(tx, caller.tenant_id, user_id)
        if email is None:
            await store.forget_email(tx, caller.tenant_id, user_id)
            await store.drop_reset(tx, caller.tenant_id, user_id)
            event: EmailRemoved | EmailProposed = EmailRemoved(user_id, 0, former_id)
        else:
            await store.propose_email(tx, caller.tenant_id, user_id, email)
            event = EmailProposed(user_id, 0, former_id)
        settings = await store.mailbox(tx, caller.tenant_id, user_id)
        await self.outbox.append(tx, caller.tenant_id, [event], caller)
        return settings

    async def _keep_former(
        self, tx: Transaction, tenant_id: TenantId, user_id: UserId
    ) -> UUID | None:
        """Note whom to tell of a change: by the time the mail is sent, the address is another."""
        former_id, until = self.ids.uuid7(), self.clock.now() + _FORMER_KEPT
        return await store.keep_former(tx, tenant_id, user_id, former_id, until)

    @handles(ConfirmEmail)
    async def confirm_email(self, request: ConfirmEmail) -> MailSettings:
        """Make the proposed address the caller's."""
        digest, now = mail.mail_digest("e", request.token), self.clock.now()
        if digest is None:
            raise Refused(LinkSpent())
        tenant_id, user_id = request.caller.tenant_id, request.caller.principal.user_id
        secret = digest

        async def work(tx: Transaction) -> MailSettings:
            await accounts.hold_user(tx, tenant_id, user_id)
            former_id = await self._keep_former(tx, tenant_id, user_id)
            if not await store.confirm_email(tx, tenant_id, user_id, secret, now):
                raise Refused(LinkSpent())
            # What was sent to the address before must not open the account any more.
            await store.drop_reset(tx, tenant_id, user_id)
            settings = await store.mailbox(tx, tenant_id, user_id)
            event = EmailConfirmed(user_id, 0, former_id)
            await self.outbox.append(tx, request.caller.tenant_id, [event], request.caller)
            return settings

        return await self.database.transact(tenant_id, work)

    @handles(MintConfirmation)
    async def mint_confirmation(self, request: MintConfirmation) -> SecretLetter | None:
        """Make the secret for the mail to a proposed address."""
        until = self.clock.now() + _CONFIRM_LIFE
        minted = store.Minted.of("e", self.ids.secret(mail.MAIL_SECRET_BYTES), until)

        async def work(tx: Transaction) -> SecretLetter | None:
            return await store.mint_confirmation(tx, request.tenant_id, request.user_id, minted)

        return await self.database.transact(request.tenant_id, work)

    @handles(DescribeRecipient)
    async def describe_recipient(self, request: DescribeRecipient) -> Recipient | None:
        """Say where a user gets mail."""

        async def work(tx: Transaction) -> Recipient | None:
            return await store.recipient(tx, request.tenant_id, request.user_id)

        return await self.database.read(request.tenant_id, work)

    @handles(DescribeFormer)
    async def describe_former(self, request: DescribeFormer) -> Recipient | None:
        """Say where a user got mail before a change."""
        place, now = (request.tenant_id, request.user_id, request.former_id), self.clock.now()

        async def work(tx: Transaction) -> Recipient | None:
            return await store.former_recipient(tx, *place, now)

        return await self.database.read(request.tenant_id, work)
