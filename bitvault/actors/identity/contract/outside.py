"""Users whom somebody outside vouches for: a provider of identities. No route leads here."""

from typing import Never

from attrs import frozen

from bitvault.actors.identity.contract.accounts import User
from bitvault.actors.identity.contract.credentials import SecretIssued
from bitvault.actors.identity.contract.refusals import (
    NotAdmitted,
    TenantNotFound,
    Unauthenticated,
)
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import Invalid
from bitvault.kernel.request import Request


@frozen
class Outsider:
    """Whom an issuer means. ``issuer`` and ``subject`` alone say which account it is."""

    issuer: str
    subject: str
    login: str
    """Of the account, if one is made."""
    display_name: str = ""
    groups: tuple[str, ...] | None = None
    """Names; None: nothing was said of groups, so nothing is changed."""
    external_id: str | None = None
    """Of the account that a directory made for them; None: they have none made."""


@frozen
class AdmitOutsider(Request[User, NotAdmitted | Invalid]):
    """Return the account that is tied to an identity outside, and bring its groups up to date.

    An account that a directory made, and that has no password, is tied to the first identity that
    the provider says is it, by its external id (ADR-0027).

    ``source`` is who vouches: of the user's memberships those alone are its to take away.
    """

    tenant_id: TenantId
    source: str
    outsider: Outsider
    makes_users: bool
    """Make an account where there is none yet; never one that takes over another's login."""
    origin: Origin


@frozen
class Vouching:
    """Whose word a session rests on: ``source`` as above."""

    source: str
    sid: str | None = None
    """Which session of the provider's; None: it does not say."""


@frozen
class OpenSessionOf(Request[SecretIssued, Unauthenticated]):
    """Open a session of a user who has proved who they are."""

    tenant_id: TenantId
    user_id: UserId
    origin: Origin
    is_refreshable: bool = False
    vouching: Vouching | None = None
    """None: it rests on nobody's word."""


@frozen
class EndVouchedSessions(Request[int, Never]):
    """End what rests on the word of ``source``, which takes it back; return how many ended.

    Of ``subject`` all of it, with a ``sid`` only what came of that session of the provider's, or
    of one that the provider did not name; a ``sid`` alone stands for whoever it was. One of both is
    given. Sessions that came in otherwise stay, and so do API tokens.
    """

    tenant_id: TenantId
    source: str
    issuer: str
    subject: str | None
    sid: str | None
    origin: Origin


@frozen
class TakeBackMemberships(Request[int, Never]):
    """Take the next ``limit`` users out of groups that a source put them in.

    Returns how many memberships those were, until there are none.
    """

    caller: Caller
    """Who has the source removed."""
    source: str
    limit: int = 500


@frozen
class LocateTenant(Request[TenantId, TenantNotFound]):
    """Say which tenant has a name."""

    name: str
