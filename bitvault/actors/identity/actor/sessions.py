"""Logins, and the secrets that stand for them."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import trio
from attrs import define, evolve, field

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.desk import Desk
from bitvault.actors.identity.contract import (
    Authenticate,
    BadCredentials,
    ChangePassword,
    CloseSession,
    CreateToken,
    Credential,
    CredentialNotFound,
    ListCredentials,
    OpenSession,
    SecretIssued,
    TooManyAttempts,
    Unauthenticated,
    User,
)
from bitvault.actors.identity.store import accounts, keys
from bitvault.actors.identity.store import credentials as store
from bitvault.actors.identity.store.accounts import Account
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.principal import Origin, Principal, Scope
from bitvault.kernel.refusal import DependencyDown, IdempotencyConflict, Refused
from supervisors import handles

_TOUCH_SECONDS = 60.0


@define(eq=False)
class Sessions(Desk):
    """Sessions and API tokens. Caches nothing for longer than a second."""

    _guesses: rules.Guesses = field(factory=rules.Guesses, init=False)

    @handles(OpenSession)
    async def open_session(
        self, request: OpenSession
    ) -> SecretIssued | BadCredentials | TooManyAttempts:
        """Log in; unknown tenant, unknown login and wrong password take the same path and time."""
        tenant_key, login_key = rules.name_key(request.tenant), rules.name_key(request.login)
        account = f"{tenant_key}\0{login_key}"
        limits = rules.login_limits(self.options, account, request.origin.address)

        async def find(tx: Transaction) -> Account | None:
            return await accounts.account_by_login(tx, tenant_key, login_key)

        wait = self._guesses.take(limits, trio.current_time())
        if wait:
            return TooManyAttempts(wait)
        try:
            found = await self.database.read(None, find)
        except DependencyDown:
            self._guesses.give_back(limits)
            raise
        return await self._log_in(found, request, limits)

    async def _log_in(
        self,
        account: Account | None,
        request: OpenSession,
        limits: tuple[rules.Limit, ...],
    ) -> SecretIssued | BadCredentials:
        password = rules.normal_password(request.password)
        phc = account.password_hash if account else None
        if not await self.passwords.verify(phc, password) or account is None:
            return BadCredentials()
        self._guesses.give_back(limits)
        if self.passwords.outdated(account.password_hash):
            account = await self._rehash(account, password)
        return await self._issue_session(account, request.origin)

    async def _rehash(self, account: Account, password: str) -> Account:
        phc = await self.passwords.hash(password)

        async def work(tx: Transaction) -> bool:
            return await accounts.set_password(tx, account, phc)

        done = await self.database.transact(account.user.tenant_id, work)
        return evolve(account, password_hash=phc) if done else account

    async def _issue_session(
        self, account: Account, origin: Origin
    ) -> SecretIssued | BadCredentials:
        expires_at = self.clock.now() + timedelta(seconds=self.options.session_ttl)
        token, credential = self._new_credential("", Scope.ACCOUNT, expires_at, origin)
        idle = self._idle_expiry(credential.created_at)

        async def work(tx: Transaction) -> bool:
            if not await accounts.hold_password(tx, account):
                return False
            await store.delete_expired_sessions(tx, account.user, credential.created_at)
            await self._insert(tx, account.user, token, credential, idle)
            return True

        if not await self.database.transact(account.user.tenant_id, work):
            return BadCredentials()
        return SecretIssued(token, credential, account.user)

    def _new_credential(
        self, name: str, scope: Scope, expires_at: datetime | None, origin: Origin
    ) -> tuple[str, Credential]:
        token = rules.new_token(self.ids.secret(32))
        credential = Credential(
            credential_id=self.ids.uuid7(),
            kind="session" if scope is Scope.ACCOUNT else "token",
            name=name,
            prefix=token[: rules.PREFIX_SHOWN],
            created_at=self.clock.now(),
            expires_at=expires_at,
            last_used_at=None,
            address=rules.storable(origin.address),
            user_agent=rules.storable(origin.user_agent),
            scope=scope,
        )
        return token, credential

    async def _insert(
        self,
        tx: Transaction,
        user: User,
        token: str,
        credential: Credential,
        idle: datetime | None,
    ) -> None:
        digest = rules.token_digest(token) or b""
        await store.insert_credential(
            tx, user, credential, secret_hash=digest, idle_expires_at=idle
        )

    def _idle_expiry(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self.options.idle_ttl)

    @handles(Authenticate)
    async def authenticate(self, request: Authenticate) -> Principal | Unauthenticated:
        """Say whose token this is, from a cache at most a second old."""
        digest = rules.token_digest(request.token)
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

        return await self.database.read(None, find)

    async def _touch(self, known: store.Known) -> None:
        """Record a use, once a minute; one that cannot be recorded is no reason to refuse it."""
        now, principal = self.clock.now(), known.principal
        if not _is_stale(known, now):
            return

        async def touch(tx: Transaction) -> None:
            await store.touch_credential(tx, principal, now, self._idle_expiry(now))

        with suppress(DependencyDown):
            await self.database.transact(principal.tenant_id, touch)

    def _forget(self, principal: Principal) -> None:
        self.principals.forget(principal.tenant_id, principal.user_id)

    @handles(CloseSession)
    async def close_session(self, request: CloseSession) -> CredentialNotFound | None:
        """End a session or revoke a token."""
        principal = request.caller.principal
        wanted = request.credential_id or principal.credential_id

        async def work(tx: Transaction) -> bool:
            return await store.delete_credential(tx, principal, wanted)

        found = await self.database.transact(principal.tenant_id, work)
        self._forget(principal)
        return None if found else CredentialNotFound()

    @handles(ListCredentials)
    async def list_credentials(self, request: ListCredentials) -> tuple[Credential, ...]:
        """List the caller's sessions or tokens."""
        now = self.clock.now()

        async def work(tx: Transaction) -> tuple[Credential, ...]:
            return await store.credentials_of_user(tx, request.caller.principal, request.kind, now)

        return await self.database.read(request.caller.tenant_id, work)

    @handles(CreateToken)
    async def create_token(self, request: CreateToken) -> SecretIssued:
        """Create a named API token."""
        name = rules.checked_name("name", request.name)
        scope = rules.checked_scope(request.scope)
        expires_at = rules.checked_lifetime(request.expires_in, self.clock.now())
        user = await self._me(request.caller)
        origin = request.caller.origin
        token, credential = self._new_credential(name, scope, expires_at, origin)

        async def work(tx: Transaction) -> Credential:
            made_id = await keys.made_before(
                tx, request.caller, credential.credential_id, credential.created_at
            )
            if made_id is not None:
                return await self._same_token(tx, user, made_id, token, credential)
            await self._insert(tx, user, token, credential, None)
            return credential

        issued = await self.database.transact(user.tenant_id, work)
        if issued is not credential:
            self._forget(request.caller.principal)
        return SecretIssued(token, issued, user)

    async def _same_token(
        self, tx: Transaction, user: User, made_id: UUID, token: str, asked: Credential
    ) -> Credential:
        """Answer a repeat: the token that was made gets a secret that this answer can show."""
        made = await store.credential_by_id(tx, user, made_id)
        if made is None or not _is_repeat(made, asked):
            raise Refused(IdempotencyConflict())
        renewed = evolve(made, prefix=asked.prefix)
        await store.replace_secret(tx, user, renewed, rules.token_digest(token) or b"")
        return renewed

    @handles(ChangePassword)
    async def change_password(
        self, request: ChangePassword
    ) -> BadCredentials | TooManyAttempts | None:
        """Change the password; every other session of the user ends."""
        principal = request.caller.principal
        new = rules.checked_password("newPassword", request.new)
        account = await self._account(request.caller)
        limits = (self._own_limit(principal),)
        wait = self._guesses.take(limits, trio.current_time())
        if wait:
            return TooManyAttempts(wait)
        current = rules.normal_password(request.current)
        if not await self.passwords.verify(account.password_hash, current):
            return BadCredentials()
        self._guesses.give_back(limits)
        phc = await self.passwords.hash(new)

        async def work(tx: Transaction) -> None:
            if not await accounts.set_password(tx, account, phc):
                raise Refused(BadCredentials())
            await store.delete_other_sessions(tx, principal)

        await self.database.transact(principal.tenant_id, work)
        self._forget(principal)
        return None

    def _own_limit(self, principal: Principal) -> rules.Limit:
        key = f"password {principal.tenant_id} {principal.user_id}"
        return rules.Limit(key, self.options.guesses, self.options.guess_seconds)


def _is_repeat(made: Credential, asked: Credential) -> bool:
    """Say whether the same was asked for: name, scope and lifetime."""
    if (made.name, made.scope) != (asked.name, asked.scope):
        return False
    if made.expires_at is None or asked.expires_at is None:
        return made.expires_at is asked.expires_at
    lifetimes = [one.expires_at - one.created_at for one in (made, asked) if one.expires_at]
    return lifetimes[0] == lifetimes[1]


def _is_stale(known: store.Known, now: datetime) -> bool:
    used = known.last_used_at
    return used is None or (now - used).total_seconds() > _TOUCH_SECONDS
