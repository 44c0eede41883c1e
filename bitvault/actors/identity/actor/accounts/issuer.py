"""Drafting the secrets that stand for users: sessions and tokens."""

from datetime import datetime

from attrs import define

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess
from bitvault.actors.identity.contract import Credential, Rotation, User
from bitvault.actors.identity.rules import IdentityOptions, rotation
from bitvault.actors.identity.rules.tokens import PREFIX_SHOWN, new_token
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId
from bitvault.kernel.principal import Origin, Principal, Scope


@define(eq=False)
class CredentialIssuer:
    """Draws secrets, and says how long they are good; what keeps them writes them down."""

    access: AccountAccess
    clock: Clock
    ids: Ids
    options: IdentityOptions

    def new(
        self, name: str, scope: Scope, expires_at: datetime | None, origin: Origin
    ) -> tuple[str, Credential]:
        """Draft a session or a token, with its secret."""
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

    async def session(
        self, tenant_id: TenantId, name: str, origin: Origin
    ) -> tuple[str, Credential]:
        """Draft a session that ends when the tenant's policy says, at the latest."""
        life = self.options.session_life(await self.access.policy(tenant_id))
        return self.new(name, Scope.ACCOUNT, self.clock.now() + life, origin)

    def first(self, session: Credential, *, wanted: bool) -> Rotation | None:
        """Return how a new session goes on, if its client will refresh it."""
        if not wanted or session.expires_at is None:
            return None
        shown = rotation.drawn(self.ids.secret(rotation.DRAWN_BYTES))
        ends = rotation.secret_end(self.options, session.created_at, session.expires_at)
        return Rotation(shown.render(), ends)


def principal_of(user: User, credential: Credential) -> Principal:
    """Return who has just logged in."""
    return Principal(
        user.tenant_id, user.user_id, user.login, user.is_admin, credential.credential_id
    )
