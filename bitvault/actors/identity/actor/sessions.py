"""Logging in and out, and saying whose token this is."""

from contextlib import suppress
from datetime import datetime, timedelta

import trio
from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.credentials import Credentials
from bitvault.actors.identity.contract import (
    Authenticate,
    BadCredentials,
    ChangePassword,
    CloseOtherSessions,
    CloseSessionsOf,
    Credential,
    OpenSession,
    PasswordChanged,
    Policy,
    SecretIssued,
    SessionOpened,
    SessionsEnded,
    TooManyAttempts,
    Unauthenticated,
    User,
    UserNotFound,
)
from bitvault.actors.identity.rules.guessing import Guess, login_guess, own_guess
from bitvault.actors.identity.rules.tokens import token_digest
from bitvault.actors.identity.store import accounts, mailboxes
from bitvault.actors.identity.store import credentials as store
from bitvault.actors.identity.store.accounts import Account
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.ids import TenantId
from bitvault.kernel.limits import Charge, seconds_to_wait
from bitvault.kernel.principal import Caller, Origin, Principal, Scope, admin_of
from bitvault.kernel.refusal import DependencyDown, Refused
from supervisors import handles

_TOUCH_SECONDS = 60.0


@define(eq=False)
class Sessions(Credentials):
    """Who logs in, and who comes with a token. Caches nothing for longer than a second."""

    @handles(OpenSession)
    async def open_session(self, request: OpenSession) -> SecretIssued | BadCredentials:
        """Log in; unknown tenant, unknown login and wrong password take the same path and time."""
        tenant_key, login_key = rules.name_key(request.tenant), rules.name_key(request.login)
        account = f"{tenant_key}\0{login_key}"
        guess = login_guess(self.options, account, request.origin.address)

        async def find(tx: Transaction) -> Account | None:
            return await accounts.account_by_login(tx, tenant_key, login_key)

        spent = await self._spend(guess)
        try:
            found = await self.database.read(None, find)
        except DependencyDown:
            await self.limits.give_back(spent)
            raise
        return await self._log_in(found, request, spent)

    async def _spend(self, guess: Guess) -> tuple[Charge, ...]:
        """Charge a guess: taken first, so that guesses made at the same moment count as well."""
        await self._take(guess.near)
        if not seconds_to_wait(await self.limits.take((guess.account,))):
            return (*guess.near, guess.account)
        try:
            await self._take((guess.besieged,))
        except Refused:
            await self.limits.give_back(guess.near)
            raise
        return (*guess.near, guess.besieged)

    async def _take(self, charges: tuple[Charge, ...]) -> None:
        if wait := seconds_to_wait(await self.limits.take(charges)):
            raise Refused(TooManyAttempts(wait))

    async def _log_in(
        self, account: Account | None, request: OpenSession, spent: tuple[Charge, ...]
    ) -> SecretIssued | BadCredentials:
        password = rules.normal_password(request.password)
        phc = account.password_hash if account else None
        if not await self.passwords.verify(phc, password) or account is None:
            self._knocked(account, request.origin)
            return BadCredentials()
        await self.limits.give_back(spent)
        if phc is not None and self.passwords.outdated(phc):
            account = await self._rehash(account, password)
        return await self._issue_session(account, request)

    def _knocked(self, account: Account | None, origin: Origin) -> None:
        if account is None:
            self.knocks.unknown += 1
            return
        user, address = account.user, rules.storable(origin.address)
        self.knocks.note(user.tenant_id, user.user_id, address, self.clock.now())

    async def _rehash(self, account: Account, password: str) -> Account:
        phc = await self.passwords.hash(password)

        async def work(tx: Transaction) -> bool:
            return await accounts.set_password(tx, account, phc)

        done = await self.database.transact(account.user.tenant_id, work)
        return evolve(account, password_hash=phc) if done else account

    async def _issue_session(
        self, account: Account, request: OpenSession
    ) -> SecretIssued | BadCredentials:
        expires_at, origin = await self._session_end(account.user.tenant_id), request.origin
        token, credential = self._new("", Scope.ACCOUNT, expires_at, origin)
        first = self._first(credential, wanted=request.is_refreshable)
        idle = self._idle_expiry(credential.created_at)

        async def work(tx: Transaction) -> bool:
            if not await accounts.hold_password(tx, account):
                return False
            await store.delete_expired_sessions(tx, account.user, credential.created_at)
            await self._insert(tx, account.user, token, credential, idle, first)
            caller = Caller(_principal(account.user, credential), origin)
            await self._append(tx, caller, SessionOpened(credential.credential_id, 0))
            return True

        if not await self.database.transact(account.user.tenant_id, work):
            return BadCredentials()
        return SecretIssued(token, credential, account.user, first)

    async def _session_end(self, tenant_id: TenantId) -> datetime:
        """Return when a session of this tenant's, begun now, ends at the latest."""
        return self.clock.now() + self._session_life(await self._policy(tenant_id))

    def _session_life(self, policy: Policy) -> timedelta:
        life, longest = timedelta(seconds=self.options.session_ttl), policy.longest_session
        return life if longest is None else min(life, longest)

    def _idle_expiry(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self.options.idle_ttl)

    @handles(Authenticate)
    async def authenticate(self, request: Authenticate) -> Principal | Unauthenticated:
        """Say whose token this is, from a cache at most a second old."""
        digest = token_digest(request.token)
        if digest is None:
            return Unauthenticated()
        asked_at, revocations = trio.current_time(), self.principals.revocations
        principal = self.principals.get(digest, asked_at)
        if principal is not None:
            return principal
        known = await self._look_up(digest)
        self.principals.keep(digest, known.principal if known else None, asked_at, revocations)
        if known is None:
            return Unauthenticated()
        await self._touch(known)
        return known.principal

    async def _look_up(self, digest: bytes) -> store.Known | None:
        now = self.clock.now()

        async def find(tx: Transaction) -> store.Known | None:
            return await store.principal_by_secret(tx, digest, now)

        known = await self.database.read(None, find)
        return None if known is None or known.has_ended(now) else known

    async def _touch(self, known: store.Known) -> None:
        """Record a use, once a minute; one that cannot be recorded is no reason to refuse it."""
        now, principal = self.clock.now(), known.principal
        if not _is_stale(known, now):
            return

        async def touch(tx: Transaction) -> None:
            await store.touch_credential(tx, principal, now, self._idle_expiry(now))

        with suppress(DependencyDown):
            await self.database.transact(principal.tenant_id, touch)

    async def _proven(self, caller: Caller, password: str) -> accounts.Account:
        """Return the caller's account, whose password this is: a stolen session may try it."""
        account, spent = await self._account(caller), own_guess(self.options, caller.principal)
        await self._take(spent)
        given = rules.normal_password(password)
        if not await self.passwords.verify(account.password_hash, given):
            raise Refused(BadCredentials())
        await self.limits.give_back(spent)
        return account

    @handles(ChangePassword)
    async def change_password(self, request: ChangePassword) -> None:
        """Change the password; every other session of the user ends."""
        principal = request.caller.principal
        least = (await self._policy(principal.tenant_id)).min_password
        new = rules.checked_password("newPassword", request.new, least)
        account = await self._proven(request.caller, request.current)
        phc = await self.passwords.hash(new)

        async def work(tx: Transaction) -> None:
            if not await accounts.set_password(tx, account, phc):
                raise Refused(BadCredentials())
            await store.delete_other_sessions(tx, principal)
            await mailboxes.drop_reset(tx, principal.tenant_id, principal.user_id)
            await self._append(tx, request.caller, PasswordChanged(principal.user_id, 0))

        await self.database.transact(principal.tenant_id, work)
        self._forget(principal.tenant_id, principal.user_id)

    @handles(CloseOtherSessions)
    async def close_other_sessions(self, request: CloseOtherSessions) -> None:
        """End every session of the caller's user but the one in use."""
        principal = request.caller.principal

        async def work(tx: Transaction) -> None:
            await store.delete_other_sessions(tx, principal)
            await self._append(tx, request.caller, SessionsEnded(principal.user_id, 0))

        await self.database.transact(principal.tenant_id, work)
        self._forget(principal.tenant_id, principal.user_id)

    @handles(CloseSessionsOf)
    async def close_sessions_of(self, request: CloseSessionsOf) -> None:
        """End every session of a user."""
        caller = admin_of(request.caller, "end another user's sessions")
        tenant_id, user_id = caller.tenant_id, request.user_id

        async def work(tx: Transaction) -> None:
            # A login under way is waited for, so that its session ends too.
            if await self._held(tx, tenant_id, user_id) is None:
                raise Refused(UserNotFound(str(user_id)))
            await store.delete_sessions(tx, tenant_id, user_id)
            await self._append(tx, caller, SessionsEnded(user_id, 0))

        await self.database.transact(tenant_id, work)
        self._forget(tenant_id, user_id)


def _principal(user: User, credential: Credential) -> Principal:
    """Return who has just logged in."""
    return Principal(
        user.tenant_id, user.user_id, user.login, user.is_admin, credential.credential_id
    )


def _is_stale(known: store.Known, now: datetime) -> bool:
    used = known.last_used_at
    return used is None or (now - used).total_seconds() > _TOUCH_SECONDS
