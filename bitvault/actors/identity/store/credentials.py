"""Sessions and API tokens: one function per query."""

from datetime import datetime
from uuid import UUID

from attrs import frozen

from bitvault.actors.identity import rules
from bitvault.actors.identity.contract import Credential, Policy, Rotation, User
from bitvault.actors.identity.rules.terms import strictest
from bitvault.actors.identity.rules.tokens import token_digest
from bitvault.actors.identity.store.policies import terms_of
from bitvault.actors.identity.store.rotations import begun
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import GroupId, NodeId, TenantId, UserId
from bitvault.kernel.principal import Principal, Scope

QUERIES = load_queries("bitvault.actors.identity.store", "credentials.sql")


@frozen
class Known:
    """A live credential's principal, and when it was last used."""

    principal: Principal
    kind: str
    last_used_at: datetime | None
    created_at: datetime
    policy: Policy
    """The tenant's."""

    def has_ended(self, now: datetime) -> bool:
        """Say whether the tenant lets no session live so long."""
        longest = self.policy.longest_session
        return self.kind == "session" and longest is not None and self.created_at + longest <= now


async def insert_credential(
    tx: Transaction,
    user: User,
    token: str,
    credential: Credential,
    idle_expires_at: datetime | None,
    first: Rotation | None = None,
) -> None:
    """Add a session or token; ``first`` is how a session goes on whose secret rotates."""
    await tx.execute(
        QUERIES["insert_credential"],
        tenant_id=user.tenant_id,
        user_id=user.user_id,
        credential_id=credential.credential_id,
        kind=credential.kind,
        name=credential.name,
        prefix=credential.prefix,
        secret_hash=token_digest(token) or b"",
        now=credential.created_at,
        expires_at=credential.expires_at,
        idle_expires_at=idle_expires_at,
        address=credential.address,
        user_agent=credential.user_agent,
        scope=credential.scope.name.lower(),
        confined_to=credential.confined_to,
        **begun(first),
    )


async def principal_by_secret(tx: Transaction, secret_hash: bytes, now: datetime) -> Known | None:
    """Find whose live credential this is."""
    row = await tx.fetchrow(QUERIES["principal_by_secret"], secret_hash=secret_hash, now=now)
    if row is None:
        return None
    scope, terms = Scope[row["scope"].upper()], terms_of(row["policies"])
    policy = strictest(terms.own, terms.bound)
    principal = Principal(
        tenant_id=TenantId(row["tenant_id"]),
        user_id=UserId(row["user_id"]),
        login=row["login"],
        is_admin=row["is_admin"] and scope >= Scope.ADMIN,
        credential_id=row["credential_id"],
        scope=scope,
        is_operator=row["is_operator"] and scope >= Scope.ADMIN,
        is_suspended=row["is_suspended"],
        groups=tuple(map(GroupId, row["groups"])),
        policy=policy.sharing,
        limit=rules.limit_of(row["rate"], row["burst"]),
        confined_to=row["confined_to"] and NodeId(row["confined_to"]),
    )
    return Known(principal, row["kind"], row["last_used_at"], row["created_at"], policy)


async def touch_credential(
    tx: Transaction, principal: Principal, now: datetime, idle_expires_at: datetime
) -> None:
    """Record a use; a session's idle time starts again."""
    await tx.execute(
        QUERIES["touch_credential"],
        tenant_id=principal.tenant_id,
        credential_id=principal.credential_id,
        now=now,
        idle_expires_at=idle_expires_at,
    )


async def credentials_of_user(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, kind: str, now: datetime
) -> tuple[Credential, ...]:
    """List a user's live sessions or tokens, newest first."""
    rows = await tx.fetch(
        QUERIES["credentials_of_user"],
        tenant_id=tenant_id,
        user_id=user_id,
        kind=kind,
        now=now,
    )
    return tuple(_credential(row) for row in rows)


async def credential_of(tx: Transaction, principal: Principal) -> Credential | None:
    """Find the session or token in use."""
    row = await tx.fetchrow(
        QUERIES["credential_of"],
        tenant_id=principal.tenant_id,
        user_id=principal.user_id,
        credential_id=principal.credential_id,
    )
    return _credential(row) if row else None


async def credential_by_id(tx: Transaction, user: User, credential_id: UUID) -> Credential | None:
    """Find one of the user's credentials, and keep it until the end."""
    row = await tx.fetchrow(
        QUERIES["credential_by_id"],
        tenant_id=user.tenant_id,
        user_id=user.user_id,
        credential_id=credential_id,
    )
    return _credential(row) if row else None


async def replace_secret(
    tx: Transaction, user: User, credential: Credential, secret_hash: bytes
) -> None:
    """Give a credential a new secret, with its prefix."""
    await tx.execute(
        QUERIES["replace_secret"],
        tenant_id=user.tenant_id,
        credential_id=credential.credential_id,
        prefix=credential.prefix,
        secret_hash=secret_hash,
    )


async def delete_credential(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, credential_id: UUID
) -> str | None:
    """End one of the user's credentials and return its kind; None when there is none such."""
    row = await tx.fetchrow(
        QUERIES["delete_credential"],
        tenant_id=tenant_id,
        user_id=user_id,
        credential_id=credential_id,
    )
    return None if row is None else str(row["kind"])


async def delete_other_sessions(tx: Transaction, principal: Principal) -> None:
    """End every session of the user but the one in use."""
    await tx.execute(
        QUERIES["delete_other_sessions"],
        tenant_id=principal.tenant_id,
        user_id=principal.user_id,
        credential_id=principal.credential_id,
    )


async def delete_sessions(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> None:
    """End every session of a user."""
    await tx.execute(QUERIES["delete_sessions"], tenant_id=tenant_id, user_id=user_id)


async def delete_credentials(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> None:
    """End every session and token of a user."""
    await tx.execute(QUERIES["delete_credentials"], tenant_id=tenant_id, user_id=user_id)


async def delete_expired_sessions(tx: Transaction, user: User, now: datetime) -> None:
    """Clear the user's dead sessions."""
    await tx.execute(
        QUERIES["delete_expired_sessions"],
        tenant_id=user.tenant_id,
        user_id=user.user_id,
        now=now,
    )


def _credential(row: Row) -> Credential:
    return Credential(**{**row, "scope": Scope[row["scope"].upper()]})
