"""New passwords by mail, for who forgot the old one."""

from datetime import timedelta

from attrs import define

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess
from bitvault.actors.identity.actor.accounts.attempts import Attempts
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import (
    AllowReset,
    LinkSpent,
    MintReset,
    PasswordReset,
    RequestReset,
    ResetRequested,
    SecretLetter,
    UseReset,
)
from bitvault.actors.identity.rules import IdentityOptions, mail
from bitvault.actors.identity.rules.guessing import reset_charges
from bitvault.actors.identity.store import accounts, credentials
from bitvault.actors.identity.store import mailboxes as store
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UserId
from bitvault.kernel.principal import Caller, Principal
from bitvault.kernel.refusal import Refused
from bitvault.outbox import Outbox
from supervisors import handles


@define(eq=False)
class Resets:
    """Whoever asks learns nothing: not from the answer, nor from the time it takes."""

    database: Database
    outbox: Outbox
    passwords: Passwords
    clock: Clock
    ids: Ids
    options: IdentityOptions
    access: AccountAccess
    attempts: Attempts
    principals: Principals

    @handles(AllowReset)
    async def allow_reset(self, request: AllowReset) -> None:
        """Charge the question, by what was typed and from where."""
        mail.check_sends_mail(self.options)
        account = f"{rules.name_key(request.tenant)}\0{rules.name_key(request.login)}"
        await self.attempts.take(reset_charges(account, request.origin.address))

    @handles(RequestReset)
    async def request_reset(self, request: RequestReset) -> None:
        """Have a mail sent, if there is anybody who gets one."""
        keys = rules.name_key(request.tenant), rules.name_key(request.login)

        async def find(tx: Transaction) -> accounts.Account | None:
            return await accounts.account_by_login(tx, *keys)

        account = await self.database.read(None, find)
        if account is None:
            return
        tenant_id, user_id = account.user.tenant_id, account.user.user_id

        async def work(tx: Transaction) -> None:
            if await store.can_reset(tx, tenant_id, user_id):
                event = ResetRequested(user_id, 0)
                await self.outbox.append(tx, tenant_id, [event], request.origin)

        await self.database.transact(tenant_id, work)

    @handles(MintReset)
    async def mint_reset(self, request: MintReset) -> SecretLetter | None:
        """Make the secret of the mail that is sent now."""
        until = self.clock.now() + timedelta(seconds=rules.RESET_SECONDS)
        minted = store.Minted.of("r", self.ids.secret(mail.MAIL_SECRET_BYTES), until)

        async def work(tx: Transaction) -> SecretLetter | None:
            # Whoever changes the address or the password holds the account too: the secret goes
            # where mail goes now, or is dropped with what it was made for.
            await accounts.hold_user(tx, request.tenant_id, request.user_id)
            return await store.mint_reset(tx, request.tenant_id, request.user_id, minted)

        return await self.database.transact(request.tenant_id, work)

    @handles(UseReset)
    async def use_reset(self, request: UseReset) -> None:
        """Set a new password, once, and end every session of the user."""
        digest, now = mail.mail_digest("r", request.token), self.clock.now()
        if digest is None:
            raise Refused(LinkSpent())
        secret = digest

        async def find(tx: Transaction) -> TenantId | None:
            return await store.reset_by_secret(tx, secret, now)

        tenant_id = await self.database.read(None, find)
        if tenant_id is None:
            raise Refused(LinkSpent())
        least = (await self.access.policy(tenant_id)).min_password
        password = rules.checked_password("newPassword", request.password, least)
        phc = await self.passwords.hash(password)
        place = tenant_id

        async def work(tx: Transaction) -> UserId:
            user_id = await store.take_reset(tx, place, secret, now)
            if user_id is None:
                raise Refused(LinkSpent())
            login = await store.reset_password(tx, place, user_id, phc)
            if login is None:
                raise Refused(LinkSpent())
            await credentials.delete_sessions(tx, place, user_id)
            who = Principal(place, user_id, login, is_admin=False, credential_id=user_id)
            caller = Caller(who, request.origin)
            await self.outbox.append(tx, caller.tenant_id, [PasswordReset(user_id, 0)], caller)
            return user_id

        self.principals.forget(tenant_id, await self.database.transact(tenant_id, work))
