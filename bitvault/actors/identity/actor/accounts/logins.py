"""Logging in with a password."""

from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.attempts import Attempts
from bitvault.actors.identity.actor.accounts.failed_logins import FailedLogins
from bitvault.actors.identity.actor.accounts.issuer import CredentialIssuer, principal_of
from bitvault.actors.identity.contract import (
    BadCredentials,
    OpenSession,
    SecretIssued,
    SessionOpened,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.identity.rules.guessing import login_guess
from bitvault.actors.identity.store import accounts
from bitvault.actors.identity.store import credentials as store
from bitvault.actors.identity.store.accounts import Account
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.limits import Charge
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import DependencyDown
from bitvault.outbox import Outbox
from supervisors import handles


@define(eq=False)
class Logins:
    """Who logs in; a wrong password is charged, and counted in memory."""

    database: Database
    outbox: Outbox
    passwords: Passwords
    clock: Clock
    options: IdentityOptions
    issuer: CredentialIssuer
    attempts: Attempts
    failed_logins: FailedLogins

    @handles(OpenSession)
    async def open_session(self, request: OpenSession) -> SecretIssued | BadCredentials:
        """Log in; unknown tenant, unknown login and wrong password take the same path and time."""
        tenant_key, login_key = rules.name_key(request.tenant), rules.name_key(request.login)
        account = f"{tenant_key}\0{login_key}"
        guess = login_guess(self.options, account, request.origin.address)

        async def find(tx: Transaction) -> Account | None:
            return await accounts.account_by_login(tx, tenant_key, login_key)

        spent = await self.attempts.take_guess(guess)
        try:
            found = await self.database.read(None, find)
        except DependencyDown:
            await self.attempts.give_back(spent)
            raise
        return await self._log_in(found, request, spent)

    async def _log_in(
        self, account: Account | None, request: OpenSession, spent: tuple[Charge, ...]
    ) -> SecretIssued | BadCredentials:
        password = rules.normal_password(request.password)
        phc = account.password_hash if account else None
        if not await self.passwords.verify(phc, password) or account is None:
            self._count_failed(account, request.origin)
            return BadCredentials()
        await self.attempts.give_back(spent)
        if phc is not None and self.passwords.outdated(phc):
            account = await self._rehash(account, password)
        return await self._issue_session(account, request)

    def _count_failed(self, account: Account | None, origin: Origin) -> None:
        if account is None:
            self.failed_logins.unknown += 1
            return
        user, address = account.user, rules.storable(origin.address)
        self.failed_logins.note(user.tenant_id, user.user_id, address, self.clock.now())

    async def _rehash(self, account: Account, password: str) -> Account:
        phc = await self.passwords.hash(password)

        async def work(tx: Transaction) -> bool:
            return await accounts.set_password(tx, account, phc)

        done = await self.database.transact(account.user.tenant_id, work)
        return evolve(account, password_hash=phc) if done else account

    async def _issue_session(
        self, account: Account, request: OpenSession
    ) -> SecretIssued | BadCredentials:
        origin = request.origin
        token, credential = await self.issuer.session(account.user.tenant_id, "", origin)
        first = self.issuer.first(credential, wanted=request.is_refreshable)
        idle = self.options.idle_end(credential.created_at)

        async def work(tx: Transaction) -> bool:
            if not await accounts.hold_password(tx, account):
                return False
            await store.delete_expired_sessions(tx, account.user, credential.created_at)
            await store.insert_credential(tx, account.user, token, credential, idle, first)
            caller = Caller(principal_of(account.user, credential), origin)
            event = SessionOpened(credential.credential_id, 0)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)
            return True

        if not await self.database.transact(account.user.tenant_id, work):
            return BadCredentials()
        return SecretIssued(token, credential, account.user, first)
