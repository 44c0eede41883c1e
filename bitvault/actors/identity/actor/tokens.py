"""Named API tokens."""

from datetime import timedelta
from uuid import UUID

from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.credentials import Credentials
from bitvault.actors.identity.contract import (
    CreateToken,
    Credential,
    SecretIssued,
    TokenCreated,
    User,
)
from bitvault.actors.identity.rules.tokens import token_digest
from bitvault.actors.identity.store import credentials as store
from bitvault.actors.identity.store import keys
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import IdempotencyConflict, Refused
from supervisors import handles


@define(eq=False)
class Tokens(Credentials):
    """Secrets for programs."""

    @handles(CreateToken)
    async def create_token(self, request: CreateToken) -> SecretIssued:
        """Create a named API token of the caller, or of a service account."""
        name = rules.checked_name("name", request.name)
        scope = rules.checked_scope(request.scope, request.confined_to)
        expires_at = rules.checked_lifetime(request.expires_in, self.clock.now())
        user = await self._owner(request)
        token, credential = self._new(name, scope, expires_at, request.caller.origin)
        credential = evolve(credential, confined_to=request.confined_to)

        async def work(tx: Transaction) -> Credential:
            await self._hold_active(tx, user)
            made_id = await keys.made_before(
                tx, request.caller, credential.credential_id, credential.created_at
            )
            if made_id is not None:
                return await self._same(tx, user, made_id, token, credential)
            await self._insert(tx, user, token, credential, None)
            said = (name, scope.name.lower(), request.confined_to)
            event = TokenCreated(credential.credential_id, 0, user.user_id, *said)
            await self._append(tx, request.caller, event)
            return credential

        issued = await self.database.transact(user.tenant_id, work)
        if issued is not credential:
            self._forget(user.tenant_id, user.user_id)
        return SecretIssued(token, issued, user)

    async def _owner(self, request: CreateToken) -> User:
        if request.user_id is None:
            return await self._me(request.caller)
        return await self._service(request.caller, request.user_id)

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


_MOMENT = timedelta(seconds=0.5)


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
