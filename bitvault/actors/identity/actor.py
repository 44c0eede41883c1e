"""The identity room: one method per request."""

from collections import OrderedDict
from contextlib import suppress
from datetime import datetime, timedelta

import trio
from attrs import define, evolve, field

from bitvault.actors.identity import rules, store
from bitvault.actors.identity.contract import (
    Authenticate,
    BadCredentials,
    ChangePassword,
    CloseSession,
    CreateTenant,
    CreateToken,
    CreateUser,
    Credential,
    CredentialNotFound,
    DescribeMe,
    EnsureTenant,
    ListCredentials,
    ListUsers,
    LoginTaken,
    OpenSession,
    SecretIssued,
    TenantTaken,
    TooManyAttempts,
    Unauthenticated,
    User,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.room import Room
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UserId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import DependencyDown, Forbidden, Refused
from supervisors import handles

_CACHE_SECONDS = 1.0
_CACHE_MOST = 10_000
_TOUCH_SECONDS = 60.0
_MAX_LIMIT = 1000


@define(eq=False)
class Identity(Room):
    """Who is who, and by which secret. Caches nothing for longer than a second."""

    database: Database
    passwords: Passwords
    clock: Clock
    ids: Ids
    options: IdentityOptions
    _cache: OrderedDict[bytes, tuple[float, Principal]] = field(factory=OrderedDict, init=False)
    _revocations: int = field(default=0, init=False)
    _guesses: rules.Guesses = field(factory=rules.Guesses, init=False)

    @handles(OpenSession)
    async def open_session(
        self, request: OpenSession
    ) -> SecretIssued | BadCredentials | TooManyAttempts:
        """Log in; unknown tenant, unknown login and wrong password take the same path and time."""
        tenant_key, login_key = rules.name_key(request.tenant), rules.name_key(request.login)
        account = f"{tenant_key}\0{login_key}"
        limits = rules.login_limits(self.options, account, request.origin.address)

        async def find(tx: Transaction) -> store.Account | None:
            return await store.account_by_login(tx, tenant_key, login_key)

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
        self, account: store.Account | None, request: OpenSession, limits: tuple[rules.Limit, ...]
    ) -> SecretIssued | BadCredentials:
        password = rules.normal_password(request.password)
        phc = account.password_hash if account else None
        if not await self.passwords.verify(phc, password) or account is None:
            return BadCredentials()
        self._guesses.give_back(limits)
        if self.passwords.outdated(account.password_hash):
            account = await self._rehash(account, password)
        return await self._issue_session(account, request.origin)

    async def _rehash(self, account: store.Account, password: str) -> store.Account:
        phc = await self.passwords.hash(password)

        async def work(tx: Transaction) -> bool:
            return await store.set_password(tx, account, phc)

        done = await self.database.transact(account.user.tenant_id, work)
        return evolve(account, password_hash=phc) if done else account

    async def _issue_session(
        self, account: store.Account, origin: Origin
    ) -> SecretIssued | BadCredentials:
        expires_at = self.clock.now() + timedelta(seconds=self.options.session_ttl)
        token, credential = self._new_credential("session", "", expires_at, origin)
        idle = self._idle_expiry(credential.created_at)

        async def work(tx: Transaction) -> bool:
            if not await store.hold_password(tx, account):
                return False
            await store.delete_expired_sessions(tx, account.user, credential.created_at)
            await self._insert(tx, account.user, token, credential, idle)
            return True

        if not await self.database.transact(account.user.tenant_id, work):
            return BadCredentials()
        return SecretIssued(token, credential, account.user)

    def _new_credential(
        self, kind: str, name: str, expires_at: datetime | None, origin: Origin
    ) -> tuple[str, Credential]:
        token = rules.new_token(self.ids.secret(32))
        credential = Credential(
            credential_id=self.ids.uuid7(),
            kind=kind,
            name=name,
            prefix=token[: rules.PREFIX_SHOWN],
            created_at=self.clock.now(),
            expires_at=expires_at,
            last_used_at=None,
            address=rules.storable(origin.address),
            user_agent=rules.storable(origin.user_agent),
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
        asked_at, revocations = trio.current_time(), self._revocations
        at, principal = self._cache.get(digest, (0.0, None))
        if principal is not None and asked_at - at < _CACHE_SECONDS:
            return principal
        known = await self._look_up(digest)
        # What was read before a revocation in this process must not be kept after it.
        if known is not None and revocations == self._revocations:
            self._remember(digest, asked_at, known.principal)
        else:
            self._cache.pop(digest, None)
        if known is None:
            return Unauthenticated()
        await self._touch(known)
        return known.principal

    async def _look_up(self, digest: bytes) -> store.Known | None:
        now = self.clock.now()

        async def find(tx: Transaction) -> store.Known | None:
            return await store.principal_by_secret(tx, digest, now)

        return await self.database.read(None, find)

    def _remember(self, digest: bytes, at: float, principal: Principal) -> None:
        self._cache[digest] = (at, principal)
        self._cache.move_to_end(digest)
        while len(self._cache) > _CACHE_MOST:
            self._cache.popitem(last=False)

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
        """Drop what is cached of a user, so that a revocation holds at once."""
        self._revocations += 1
        for digest, (_, known) in list(self._cache.items()):
            if (known.tenant_id, known.user_id) == (principal.tenant_id, principal.user_id):
                del self._cache[digest]

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
        expires_at = rules.checked_lifetime(request.expires_in, self.clock.now())
        user = await self._me(request.caller)
        origin = request.caller.origin
        token, credential = self._new_credential("token", name, expires_at, origin)

        async def work(tx: Transaction) -> None:
            await self._insert(tx, user, token, credential, None)

        await self.database.transact(user.tenant_id, work)
        return SecretIssued(token, credential, user)

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
            if not await store.set_password(tx, account, phc):
                raise Refused(BadCredentials())
            await store.delete_other_sessions(tx, principal)

        await self.database.transact(principal.tenant_id, work)
        self._forget(principal)
        return None

    def _own_limit(self, principal: Principal) -> rules.Limit:
        key = f"password {principal.tenant_id} {principal.user_id}"
        return rules.Limit(key, self.options.guesses, self.options.guess_seconds)

    @handles(DescribeMe)
    async def describe_me(self, request: DescribeMe) -> User:
        """Say who the caller is."""
        return await self._me(request.caller)

    async def _me(self, caller: Caller) -> User:
        return (await self._account(caller)).user

    async def _account(self, caller: Caller) -> store.Account:
        principal = caller.principal

        async def work(tx: Transaction) -> store.Account | None:
            return await store.account_by_id(tx, principal.tenant_id, principal.user_id)

        account = await self.database.read(principal.tenant_id, work)
        if account is None:
            raise Refused(Unauthenticated())
        return account

    @handles(ListUsers)
    async def list_users(self, request: ListUsers) -> tuple[User, ...]:
        """List the users of the caller's tenant."""
        most = max(1, min(request.limit, _MAX_LIMIT))
        after = rules.name_key(request.after)

        async def work(tx: Transaction) -> tuple[User, ...]:
            return await store.accounts_after(tx, request.caller.tenant_id, after, most)

        return await self.database.read(request.caller.tenant_id, work)

    @handles(CreateUser)
    async def create_user(self, request: CreateUser) -> User | LoginTaken | Forbidden:
        """Create a user in the caller's tenant."""
        if not request.caller.principal.is_admin:
            return Forbidden("create users")
        me = await self._me(request.caller)
        user = self._new_user(me.tenant_id, me.tenant_name, request.login, request.is_admin)
        if request.display_name:
            user = _named(user, rules.checked_name("displayName", request.display_name))
        password = rules.checked_password("password", request.password)
        account = store.Account(user, await self.passwords.hash(password))

        async def work(tx: Transaction) -> bool:
            return await store.insert_account(tx, account, rules.name_key(user.login))

        created = await self.database.transact(me.tenant_id, work)
        return user if created else LoginTaken(user.login)

    @handles(CreateTenant)
    async def create_tenant(self, request: CreateTenant) -> User | TenantTaken:
        """Create a tenant with its first admin."""
        return await self._create_tenant(request.name, request.login, request.password)

    @handles(EnsureTenant)
    async def ensure_tenant(self, request: EnsureTenant) -> User | None:
        """Create the tenant at the first start."""
        key = rules.name_key(request.name)

        async def work(tx: Transaction) -> TenantId | None:
            return await store.tenant_by_key(tx, key)

        if await self.database.read(None, work) is not None:
            return None
        created = await self._create_tenant(request.name, request.login, request.password)
        return created if isinstance(created, User) else None

    async def _create_tenant(self, name: str, login: str, password: str) -> User | TenantTaken:
        name = rules.checked_name("name", name)
        tenant_id = TenantId(self.ids.uuid7())
        user = self._new_user(tenant_id, name, login, is_admin=True)
        phc = await self.passwords.hash(rules.checked_password("password", password))

        async def work(tx: Transaction) -> None:
            key = rules.name_key(name)
            if not await store.insert_tenant(tx, tenant_id, name, key, user.created_at):
                raise Refused(TenantTaken(name))
            await store.insert_account(tx, store.Account(user, phc), rules.name_key(user.login))

        await self.database.transact(tenant_id, work)
        return user

    def _new_user(
        self,
        tenant_id: TenantId,
        tenant_name: str,
        login: str,
        is_admin: bool,  # noqa: FBT001 - a fact, not a switch
    ) -> User:
        name = rules.checked_name("login", login)
        return User(
            user_id=UserId(self.ids.uuid7()),
            tenant_id=tenant_id,
            tenant_name=tenant_name,
            login=name,
            display_name=name,
            is_admin=is_admin,
            created_at=self.clock.now(),
        )


def _is_stale(known: store.Known, now: datetime) -> bool:
    used = known.last_used_at
    return used is None or (now - used).total_seconds() > _TOUCH_SECONDS


def _named(user: User, display_name: str) -> User:
    return evolve(user, display_name=display_name)
