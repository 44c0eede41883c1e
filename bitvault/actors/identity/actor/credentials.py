"""The secrets that stand for users: what sessions and tokens have in common."""

from datetime import datetime
from uuid import UUID

from attrs import define

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.desk import Desk
from bitvault.actors.identity.contract import (
    CloseSession,
    Credential,
    CredentialNotFound,
    DescribeCredential,
    ListCredentials,
    Rotation,
    SessionEnded,
    TokenRevoked,
    Unauthenticated,
    User,
    UserNotFound,
)
from bitvault.actors.identity.rules import rotation
from bitvault.actors.identity.rules.tokens import PREFIX_SHOWN, new_token, token_digest
from bitvault.actors.identity.store import accounts
from bitvault.actors.identity.store import credentials as store
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Origin, Scope, admin_of, operator_of
from bitvault.kernel.refusal import Forbidden, Refused
from supervisors import handles


@define(eq=False)
class Credentials(Desk):
    """Makes, lists and ends them."""

    @handles(CloseSession)
    async def close_session(self, request: CloseSession) -> CredentialNotFound | None:
        """End a session or revoke a token."""
        principal = request.caller.principal
        owner = await self._keeper(request.caller, request.user_id)
        wanted = request.credential_id or principal.credential_id

        async def work(tx: Transaction) -> bool:
            kind = await store.delete_credential(tx, principal.tenant_id, owner, wanted)
            if kind is not None:
                ended = SessionEnded if kind == "session" else TokenRevoked
                await self._append(tx, request.caller, ended(wanted, 0, owner))
            return kind is not None

        found = await self.database.transact(principal.tenant_id, work)
        self._forget(principal.tenant_id, owner)
        return None if found else CredentialNotFound()

    @handles(ListCredentials)
    async def list_credentials(self, request: ListCredentials) -> tuple[Credential, ...]:
        """List the sessions or tokens of the caller, or of a service account."""
        now, tenant_id = self.clock.now(), request.caller.tenant_id
        owner = await self._keeper(request.caller, request.user_id)

        async def work(tx: Transaction) -> tuple[Credential, ...]:
            return await store.credentials_of_user(tx, tenant_id, owner, request.kind, now)

        return await self.database.read(tenant_id, work)

    @handles(DescribeCredential)
    async def describe_credential(self, request: DescribeCredential) -> Credential:
        """Describe what the caller came with."""
        principal = request.caller.principal

        async def find(tx: Transaction) -> Credential | None:
            return await store.credential_of(tx, principal)

        found = await self.database.read(principal.tenant_id, find)
        if found is None:
            raise Refused(CredentialNotFound())
        return found

    async def _keeper(self, caller: Caller, user_id: UserId | None) -> UserId:
        """Return whose credentials the caller asks for: their own, or a service account's."""
        if user_id is None:
            return caller.principal.user_id
        return (await self._service(caller, user_id)).user_id

    async def _service(self, caller: Caller, user_id: UUID) -> User:
        admin_of(caller, "keep the tokens of others")

        async def find(tx: Transaction) -> tuple[accounts.Account, ...]:
            return await accounts.accounts_named(tx, caller.tenant_id, [user_id], (), deleted=False)

        named = await self.database.read(caller.tenant_id, find)
        if not named:
            raise Refused(UserNotFound(str(user_id)))
        if named[0].user.kind != "service":
            raise Refused(Forbidden("keep the tokens of another person"))
        if named[0].user.is_operator:
            operator_of(caller)
        return named[0].user

    def _new(
        self, name: str, scope: Scope, expires_at: datetime | None, origin: Origin
    ) -> tuple[str, Credential]:
        token = new_token(self.ids.secret(32))
        credential = Credential(
            credential_id=self.ids.uuid7(),
            kind="session" if scope is Scope.ACCOUNT else "token",
            name=name,
            prefix=token[:PREFIX_SHOWN],
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
        first: Rotation | None = None,
    ) -> None:
        digest = token_digest(token) or b""
        await store.insert_credential(
            tx, user, credential, secret_hash=digest, idle_expires_at=idle, first=first
        )

    def _first(self, session: Credential, *, wanted: bool) -> Rotation | None:
        """Return how a new session goes on, if its client will refresh it."""
        if not wanted or session.expires_at is None:
            return None
        shown = rotation.drawn(self.ids.secret(rotation.DRAWN_BYTES))
        ends = rotation.secret_end(self.options, session.created_at, session.expires_at)
        return Rotation(shown.render(), ends)

    async def _hold_active(self, tx: Transaction, user: User) -> None:
        """Make nothing for a user who was disabled or deleted a moment ago."""
        if not await accounts.hold_active(tx, user.tenant_id, user.user_id):
            raise Refused(Unauthenticated())

    def _forget(self, tenant_id: TenantId, user_id: UserId) -> None:
        self.principals.forget(tenant_id, user_id)
