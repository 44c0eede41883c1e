"""Users, sessions and API tokens."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import Moment, RequestShape, ResponseShape

TenantName = Annotated[str, Meta(min_length=1, max_length=255, examples=["default"])]
Login = Annotated[str, Meta(min_length=1, max_length=255, examples=["ann"])]
Password = Annotated[
    str, Meta(min_length=1, max_length=1024, examples=["correct horse battery staple"])
]
TokenName = Annotated[str, Meta(min_length=1, max_length=255, examples=["backup"])]
TokenScope = Annotated[
    Literal["read", "write", "admin"],
    Meta(description="What the token is good for; each includes those before it."),
]
ConfinedTo = Annotated[
    UUID,
    Meta(
        description=(
            "A file or folder: for the token there is nothing but that and what is below it, "
            "wherever it is moved. Paths begin at its id: ID:/a/b."
        )
    ),
]
Lifetime = Annotated[int, Meta(ge=1, le=3_153_600_000, description="Seconds.")]


class User(ResponseShape, frozen=True, kw_only=True):
    """A user of a tenant."""

    id: UUID
    tenant_id: UUID
    tenant: str
    login: str
    display_name: str
    kind: Annotated[
        Literal["person", "service"],
        Meta(description="service: a program, which has tokens and no password."),
    ]
    is_admin: bool
    is_operator: Annotated[bool, Meta(description="Keeps the platform's tenants.")]
    is_disabled: bool
    created_at: Moment


Refreshable = Annotated[
    bool,
    Meta(
        description=(
            "The token is good for a while only (an hour, usually), and comes with a refresh "
            "token; for clients that keep a session on a disk."
        )
    ),
]
RefreshToken = Annotated[
    str, Meta(min_length=1, max_length=128, description="Good once.", examples=["bvf_wqF..."])
]


class Me(User, frozen=True, kw_only=True):
    """You, and what your credential is good for: a session for all, a token for its scope.

    ``isAdmin`` and ``isOperator`` are the account's; a token needs the scope too.
    """

    scope: Literal["read", "write", "admin", "account"]
    confined_to: Annotated[
        UUID | None, Meta(description="The file or folder at which the token ends.")
    ]


class OpenSession(RequestShape, frozen=True, kw_only=True):
    """Log in."""

    login: Login
    password: Password
    tenant: TenantName = "default"
    refreshable: Refreshable = False


class RefreshSession(RequestShape, frozen=True, kw_only=True):
    """Go on with a session."""

    refresh_token: RefreshToken


class SessionRefreshed(ResponseShape, frozen=True, kw_only=True):
    """What a session goes on with; shown only here, and to who lost it, for ten seconds."""

    token: str
    expires_at: Annotated[Moment, Meta(description="The token's end.")]
    refresh_token: str
    session_expires_at: Annotated[Moment, Meta(description="The refresh token's end as well.")]


class SessionOpened(ResponseShape, frozen=True, kw_only=True):
    """A session; its secrets are shown only here."""

    token: str
    expires_at: Annotated[Moment | None, Meta(description="The token's end.")]
    user: User
    refresh_token: Annotated[
        str | None, Meta(description="For POST /v1/sessions/refresh; null: the token lasts.")
    ] = None
    session_expires_at: Annotated[
        Moment | None, Meta(description="The refresh token's end as well.")
    ] = None


class Credential(ResponseShape, frozen=True, kw_only=True):
    """A session or API token, without its secret."""

    id: UUID
    kind: Literal["session", "token"]
    name: str
    prefix: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None
    address: str
    user_agent: str
    scope: Annotated[
        Literal["read", "write", "admin", "account"], Meta(description="account: a session's.")
    ]
    is_current: bool = False
    confined_to: ConfinedTo | None = None


class CreateToken(RequestShape, frozen=True, kw_only=True):
    """Create a named API token; ``expiresIn`` null: it does not expire."""

    name: TokenName
    scope: TokenScope = "write"
    expires_in: Lifetime | None = None
    confined_to: ConfinedTo | None = None


class TokenCreated(Credential, frozen=True, kw_only=True):
    """A new API token; ``token`` is shown only here."""

    token: str


class ChangePassword(RequestShape, frozen=True, kw_only=True):
    """Change your password; every other session of yours ends."""

    current_password: Password
    new_password: Password


class CreateUser(RequestShape, frozen=True, kw_only=True):
    """Create a user in your tenant: a person with a password, or a service without."""

    login: Login
    password: Password | None = None
    display_name: Annotated[str, Meta(max_length=255)] = ""
    is_admin: bool = False
    kind: Literal["person", "service"] = "person"


class UpdateUser(RequestShape, frozen=True, kw_only=True):
    """Change what is given; ``isDisabled`` true ends all sessions and tokens of the user."""

    display_name: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    is_admin: bool | None = None
    is_disabled: bool | None = None
    is_operator: Annotated[bool | None, Meta(description="For operators to say.")] = None


class UserDeleted(ResponseShape, frozen=True, kw_only=True):
    """Where a deleted user's files are; null where there were none."""

    space_id: UUID | None
    space_name: str | None
