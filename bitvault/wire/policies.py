"""What a tenant asks of its links, passwords and sessions."""

from typing import Annotated

from msgspec import Meta

from bitvault.wire.fields import RequestShape, ResponseShape

_MOST = 315_360_000
_Seconds = Annotated[int, Meta(ge=0, le=_MOST)]


class Policy(ResponseShape, frozen=True, kw_only=True):
    """Terms; times are in seconds, and null is without limit."""

    links_allowed: Annotated[bool, Meta(description="Whether links may be made and lead anywhere.")]
    password_required: Annotated[bool, Meta(description="Whether every link needs a password.")]
    longest_life: Annotated[int | None, Meta(description="How far ahead a link may end.")]
    default_life: Annotated[int | None, Meta(description="Of a link whose maker says nothing.")]
    min_password: Annotated[int, Meta(description="Characters of a new password, at least.")]
    longest_session: Annotated[int | None, Meta(description="Of sessions that are open, too.")]


class TenantPolicy(ResponseShape, frozen=True, kw_only=True):
    """What a tenant's admins set, what the operators set, and what holds: the stricter."""

    own: Policy
    bound: Policy
    effective: Policy
    etag: str


class ChangePolicy(RequestShape, frozen=True, kw_only=True):
    """Change terms; what is null stays as it is, and 0 seconds remove a limit."""

    links_allowed: bool | None = None
    password_required: bool | None = None
    longest_life: _Seconds | None = None
    default_life: _Seconds | None = None
    min_password: Annotated[int, Meta(ge=8, le=128)] | None = None
    longest_session: _Seconds | None = None
