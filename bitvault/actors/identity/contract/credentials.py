"""Sessions and API tokens."""

from datetime import datetime
from typing import Never
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.identity.contract.accounts import User
from bitvault.actors.identity.contract.refusals import (
    BadCredentials,
    CredentialNotFound,
    TooManyAttempts,
    Unauthenticated,
    UserNotFound,
)
from bitvault.kernel.ids import NodeId, UserId
from bitvault.kernel.principal import Caller, Origin, Principal, Scope
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from bitvault.kernel.request import Request


@frozen
class Credential:
    """A session or a named API token; never the secret itself."""

    credential_id: UUID
    kind: str
    """``session`` or ``token``."""
    name: str
    prefix: str
    """The first characters of the token, to tell tokens apart."""
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    address: str
    user_agent: str
    scope: Scope = Scope.READ
    confined_to: NodeId | None = None
    """The file or folder that a token ends at."""


@frozen
class Rotation:
    """How a session goes on whose token is good for a while only."""

    refresh_token: str = field(repr=False)
    """Good once, for a new token and a new one of its kind."""
    token_expires_at: datetime
    """When the token it came with ends; the session itself goes on."""


@frozen
class SecretIssued:
    """A new credential with its token: the only time the token is seen."""

    token: str = field(repr=False)
    credential: Credential
    user: User
    rotation: Rotation | None = None
    """Of a session that was asked to be ``refreshable``; without it the token lasts as long."""


@frozen
class OpenSession(Request[SecretIssued, BadCredentials | TooManyAttempts | Invalid]):
    """Log in with a password."""

    tenant: str
    login: str
    password: str = field(repr=False)
    origin: Origin
    is_refreshable: bool = False


@frozen
class SessionRefreshed:
    """A session's new secrets; what came before is good for ten more seconds."""

    token: str = field(repr=False)
    rotation: Rotation
    session_expires_at: datetime


@frozen
class RefreshSession(Request[SessionRefreshed, Unauthenticated | TooManyAttempts]):
    """Go on with a session: a refresh token for the next pair.

    For ten seconds it is good again, for the same pair: an answer may get lost, and two may ask at
    once. After that, whoever presents it ends the session, as somebody else has it too. A token
    that is unknown, expired, revoked or used up is answered alike.
    """

    refresh_token: str = field(repr=False)
    origin: Origin


@frozen
class Authenticate(Request[Principal, Unauthenticated]):
    """Say whose token this is. Answered from a cache at most one second old."""

    token: str = field(repr=False)
    origin: Origin


@frozen
class CloseSession(Request[None, CredentialNotFound | UserNotFound | Forbidden]):
    """Log out: end one session (None: the one in use) or revoke one token, at once.

    ``user_id`` is a service account, whose tokens its tenant's admins keep.
    """

    caller: Caller
    credential_id: UUID | None = None
    user_id: UserId | None = None


@frozen
class CloseOtherSessions(Request[None, Never]):
    """End every session of the caller's user but the one in use; tokens stay."""

    caller: Caller


@frozen
class CloseSessionsOf(Request[None, UserNotFound | Forbidden]):
    """End every session of a user, whose tokens stay; for the tenant's admins."""

    caller: Caller
    user_id: UserId


@frozen
class ListCredentials(
    Request[tuple[Credential, ...], UserNotFound | Forbidden],
):
    """List the caller's live ``session``s or ``token``s, newest first; or a service account's."""

    caller: Caller
    kind: str
    user_id: UserId | None = None


@frozen
class DescribeCredential(Request[Credential, CredentialNotFound]):
    """Describe the session or token in use."""

    caller: Caller


@frozen
class CreateToken(
    Request[
        SecretIssued, UserNotFound | Forbidden | Invalid | IdempotencyConflict | Unauthenticated
    ],
):
    """Create a named API token; ``expires_in`` is in seconds, None for no expiry.

    It is the caller's own, or that of a service account (``user_id``), by an admin of its tenant.

    A repeat under the same Idempotency-Key makes no second token: the first gets a new secret,
    because the old one is not kept.
    """

    caller: Caller
    name: str
    expires_in: int | None = None
    scope: Scope = Scope.WRITE
    """At most ``ADMIN``; at most ``WRITE`` for one that is confined."""
    user_id: UserId | None = None
    confined_to: NodeId | None = None
    """A file or folder, and all below it: for the token there is nothing else. Whether it exists
    is not this room's to know; where it does not, or is gone, the token opens nothing."""


@frozen
class ChangePassword(Request[None, BadCredentials | TooManyAttempts | Invalid | Unauthenticated]):
    """Change the caller's password; every other session of the user ends."""

    caller: Caller
    current: str = field(repr=False)
    new: str = field(repr=False)
