"""The secrets that stand for users: API tokens, and what sessions have in common with them."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess, hold_active
from bitvault.actors.identity.actor.accounts.issuer import CredentialIssuer
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import (
    CloseSession,
    CreateToken,
    Credential,
    CredentialNotFound,
    DescribeCredential,
    ListCredentials,
    SecretIssued,
    SessionEnded,
    TokenCreated,
    TokenRevoked,
    User,
)
from bitvault.actors.identity.rules.tokens import token_digest
from bitvault.actors.identity.store import credentials as store
from bitvault.actors.identity.store import keys
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Caller, Scope
from bitvault.kernel.refusal import IdempotencyConflict, Refused
from bitvault.outbox import Outbox
from supervisors import handles

_MOMENT: Final = timedelta(seconds=0.5)


@define(eq=False)
class Credentials:
    """Makes tokens; lists and ends sessions and tokens."""

    database: Database
    outbox: Outbox
    clock: Clock
    access: AccountAccess
    issuer: CredentialIssuer
    principals: Principals

    @handles(CreateToken)
    async def create_token(self, request: CreateToken) -> SecretIssued:
        """Create a named API token of the caller, or of a service account."""
        name = rules.checked_name("name", request.name)
        scope = rules.checked_scope(request.scope, request.confined_to)
        expires_at = rules.checked_lifetime(request.expires_in, self.clock.now())
        user = await self._owner(request)
        token, credential = self.issuer.new(name, scope, expires_at, request.caller.origin)
        credential = evolve(credential, confined_to=request.confined_to)

        async def work(tx: Transaction) -> Credential:
            await hold_active(tx, user)
            made_id = await keys.made_before(
                tx, request.caller, credential.credential_id, credential.created_at
            )
            if made_id is not None:
                return await self._same(tx, user, made_id, token, credential)
            await store.insert_credential(tx, user, token, credential, None)
            said = (name, scope.name.lower(), request.confined_to)
            event = TokenCreated(credential.credential_id, 0, user.user_id, *said)
            await self.outbox.append(tx, request.caller.tenant_id, [event], request.caller)
            return credential

        issued = await self.database.transact(user.tenant_id, work)
        if issued is not credential:
            self.principals.forget(user.tenant_id, user.user_id)
        return SecretIssued(token, issued, user)

    async def _owner(self, request: CreateToken) -> User:
        if request.user_id is None:
            return await self.access.user_of(request.caller)
        return await self.access.service_account(request.caller, request.user_id)

    async def _same(
        self, tx: Transaction, user: User, made_id: UUID, token: str, asked: Credential
    ) -> Credential:
        """Answer a repeat: the token that was made gets a secret that this answer can show."""
        made = await store.credential_by_id(tx, user, made_id)
        if made is None or not _is_repeat(made, asked):
            raise Refused(IdempotencyConflict())
        renewed = evolve(made, prefix=asked.prefix)
        await store.replace_secret(tx, user, renewed, token_digest(token) or b"")
        return renewed

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
                event = ended(wanted, 0, owner)
                await self.outbox.append(tx, request.caller.tenant_id, [event], request.caller)
            return kind is not None

        found = await self.database.transact(principal.tenant_id, work)
        self.principals.forget(principal.tenant_id, owner)
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
        return (await self.access.service_account(caller, user_id)).user_id


def _is_repeat(made: Credential, asked: Credential) -> bool:
    """Say whether the same was asked for: name, scope, where it ends and lifetime."""
    if _words(made) != _words(asked):
        return False
    if made.expires_at is None or asked.expires_at is None:
        return made.expires_at is asked.expires_at
    lifetimes = [one.expires_at - one.created_at for one in (made, asked) if one.expires_at]
    # The end is reckoned a moment before the token is made, and a second is the least difference.
    return abs(lifetimes[0] - lifetimes[1]) < _MOMENT


def _words(one: Credential) -> tuple[str, Scope, UUID | None]:
    return one.name, one.scope, one.confined_to
