"""Where users get mail, and the secrets that were sent there: one function per query."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from attrs import frozen

from bitvault.actors.identity.contract import MailSettings, Recipient, SecretLetter
from bitvault.actors.identity.rules import mail
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import GroupId, TenantId, UserId
from bitvault.kernel.principal import Principal, Scope

QUERIES = load_queries("bitvault.actors.identity.store", "mailboxes.sql")
_NO_CREDENTIAL = UUID(int=0)


@frozen
class Minted:
    """A secret that is sent now: its token, what is kept of it, and until when it is good."""

    token: str
    secret_hash: bytes
    expires_at: datetime

    @classmethod
    def of(cls, kind: str, secret: bytes, expires_at: datetime) -> "Minted":
        """Make the token of a secret that was drawn."""
        token = mail.new_mail_token(kind, secret)
        return cls(token, mail.mail_digest(kind, token) or b"", expires_at)


async def mailbox(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> MailSettings:
    """Say where a user gets mail."""
    row = await tx.fetchrow(QUERIES["mailbox"], tenant_id=tenant_id, user_id=user_id)
    return (
        MailSettings(row["email"], row["proposed"], tuple(row["muted"])) if row else MailSettings()
    )


async def set_email(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, email: str, now: datetime
) -> None:
    """Give a user an address that is theirs for certain."""
    query = QUERIES["set_email"]
    await tx.execute(query, tenant_id=tenant_id, user_id=user_id, email=email, now=now)


async def forget_email(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> None:
    """Take a user's address away."""
    await tx.execute(QUERIES["forget_email"], tenant_id=tenant_id, user_id=user_id)


async def keep_former(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, former_id: UUID, until: datetime
) -> UUID | None:
    """Note where a user gets mail now, to be told of a change; None when they get none."""
    row = await tx.fetchrow(
        QUERIES["keep_former"],
        tenant_id=tenant_id,
        user_id=user_id,
        former_id=former_id,
        until=until,
    )
    return None if row is None else former_id


async def former_tenant(tx: Transaction, now: datetime) -> TenantId | None:
    """Find a tenant with a former address that is kept no longer; across tenants."""
    row = await tx.fetchrow(QUERIES["former_tenant"], now=now)
    return None if row is None else TenantId(row["tenant_id"])


async def forget_former(tx: Transaction, tenant_id: TenantId, now: datetime) -> None:
    """Forget some former addresses."""
    await tx.execute(QUERIES["forget_former"], tenant_id=tenant_id, now=now)


async def propose_email(tx: Transaction, tenant_id: TenantId, user_id: UserId, email: str) -> None:
    """Note an address to be confirmed."""
    query = QUERIES["propose_email"]
    await tx.execute(query, tenant_id=tenant_id, user_id=user_id, email=email)


async def mute(tx: Transaction, tenant_id: TenantId, user_id: UserId, muted: Sequence[str]) -> None:
    """Say which kinds of mail a user does without."""
    query = QUERIES["mute"]
    await tx.execute(query, tenant_id=tenant_id, user_id=user_id, muted=list(muted))


async def mint_confirmation(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, minted: Minted
) -> SecretLetter | None:
    """Keep the secret for a proposed address; None when none is proposed."""
    row = await tx.fetchrow(
        QUERIES["mint_confirmation"],
        tenant_id=tenant_id,
        user_id=user_id,
        secret_hash=minted.secret_hash,
        expires_at=minted.expires_at,
    )
    return SecretLetter(**row, token=minted.token) if row else None


async def confirm_email(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, secret_hash: bytes, now: datetime
) -> bool:
    """Make the proposed address the user's; False when the secret is not good."""
    query, place = QUERIES["confirm_email"], {"tenant_id": tenant_id, "user_id": user_id}
    return await tx.fetchrow(query, **place, secret_hash=secret_hash, now=now) is not None


async def recipient(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> Recipient | None:
    """Say where a user gets mail, if they may enter and have an address."""
    row = await tx.fetchrow(QUERIES["recipient"], tenant_id=tenant_id, user_id=user_id)
    return _recipient(row, tenant_id, user_id)


async def former_recipient(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, former_id: UUID, now: datetime
) -> Recipient | None:
    """Say where a user got mail before a change, if they may enter and it is not forgotten."""
    place = {"tenant_id": tenant_id, "user_id": user_id, "former_id": former_id}
    row = await tx.fetchrow(QUERIES["former_recipient"], **place, now=now)
    return _recipient(row, tenant_id, user_id)


def _recipient(row: Row | None, tenant_id: TenantId, user_id: UserId) -> Recipient | None:
    if row is None:
        return None
    principal = Principal(
        tenant_id,
        user_id,
        row["login"],
        is_admin=False,
        credential_id=_NO_CREDENTIAL,
        groups=tuple(map(GroupId, row["groups"])),
        scope=Scope.READ,
        is_suspended=row["is_suspended"],
    )
    return Recipient(
        principal, row["tenant_name"], row["display_name"], row["email"], tuple(row["muted"])
    )


async def can_reset(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> bool:
    """Say whether a user can have a new password by mail."""
    row = await tx.fetchrow(QUERIES["can_reset"], tenant_id=tenant_id, user_id=user_id)
    return row is not None


async def mint_reset(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, minted: Minted
) -> SecretLetter | None:
    """Keep the secret for a new password, in the place of an older one; None: not for this user."""
    place = {"tenant_id": tenant_id, "user_id": user_id}
    kept = {"secret_hash": minted.secret_hash, "expires_at": minted.expires_at}
    if await tx.fetchrow(QUERIES["mint_reset"], **place, **kept) is None:
        return None
    row = await tx.fetchrow(QUERIES["letter_of"], **place)
    return SecretLetter(**row, expires_at=minted.expires_at, token=minted.token) if row else None


async def reset_by_secret(tx: Transaction, secret_hash: bytes, now: datetime) -> TenantId | None:
    """Find in which tenant a secret is good."""
    row = await tx.fetchrow(QUERIES["reset_by_secret"], secret_hash=secret_hash, now=now)
    return TenantId(row["tenant_id"]) if row else None


async def take_reset(
    tx: Transaction, tenant_id: TenantId, secret_hash: bytes, now: datetime
) -> UserId | None:
    """Use a secret up, and say whose it was."""
    query = QUERIES["take_reset"]
    row = await tx.fetchrow(query, tenant_id=tenant_id, secret_hash=secret_hash, now=now)
    return UserId(row["user_id"]) if row else None


async def reset_password(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, password_hash: str
) -> str | None:
    """Replace a password and return the login; None when the user may not have one."""
    row = await tx.fetchrow(
        QUERIES["reset_password"],
        tenant_id=tenant_id,
        user_id=user_id,
        password_hash=password_hash,
    )
    return str(row["login"]) if row else None


async def drop_reset(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> None:
    """Make every mail with a link to a new password useless."""
    await tx.execute(QUERIES["drop_reset"], tenant_id=tenant_id, user_id=user_id)


async def drop_mailbox(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> None:
    """Forget where a user gets and got mail."""
    await drop_reset(tx, tenant_id, user_id)
    await tx.execute(QUERIES["drop_former"], tenant_id=tenant_id, user_id=user_id)
    await tx.execute(QUERIES["drop_mailbox"], tenant_id=tenant_id, user_id=user_id)
