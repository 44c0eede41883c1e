"""Single sign-on."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from bitvault.wire.fields import Moment, RequestShape, ResponseShape
from bitvault.wire.sessions import Refreshable, TenantName

Word = Annotated[str, Meta(min_length=1, max_length=255)]
Issuer = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=512,
        description="Exactly as the provider writes it.",
        examples=["https://login.example.org/realms/acme"],
    ),
]
Secret = Annotated[str, Meta(min_length=1, max_length=1024)]
Scopes = Annotated[tuple[Word, ...], Meta(min_length=1, max_length=20)]
Domains = Annotated[tuple[Word, ...], Meta(max_length=100)]
LoginClaim = Annotated[Word, Meta(description="Names an account that is made.")]
GroupsClaim = Annotated[Word, Meta(description="Lists groups; null: they are kept here.")]
QuotaClaim = Annotated[
    Word,
    Meta(
        description='How much a home may hold: bytes, "10 GB", "none" or "default"; '
        "null: that is kept here."
    ),
]
ExternalIdClaim = Annotated[
    Word,
    Meta(
        description="Has the externalId of whom a directory made by SCIM, who comes in by it; "
        "null: they do not."
    ),
]
GroupPrefix = Annotated[
    str, Meta(max_length=64, description="Begins the name of each group, without a groupMap.")
]
GroupMap = Annotated[
    dict[str, Word],
    Meta(max_length=500, description="Values of the claim to names of groups; no others."),
]


class IdentityProvider(ResponseShape, frozen=True, kw_only=True):
    """An OpenID provider of your tenant; its client secret is never shown."""

    id: UUID
    name: str
    issuer: str
    client_id: str
    has_secret: bool
    scopes: tuple[str, ...]
    login_claim: str
    groups_claim: str | None
    group_prefix: str
    group_map: dict[str, str]
    external_id_claim: str | None
    quota_claim: str | None
    makes_users: bool
    email_domains: tuple[str, ...]
    redirect_path: Annotated[
        str, Meta(description="With this server's address in front: to be registered there.")
    ]
    logout_path: Annotated[
        str, Meta(description="Likewise, for back-channel logout, if the provider does it.")
    ]
    is_leaving: Annotated[
        bool, Meta(description="It is being removed; remove it again if that did not end.")
    ]
    created_at: Moment
    etag: str


class AddIdentityProvider(RequestShape, frozen=True, kw_only=True):
    """Let users of your tenant sign in with an OpenID provider."""

    name: Word
    issuer: Issuer
    client_id: Word
    client_secret: Secret | None = None
    scopes: Scopes = ("openid", "profile", "email")
    login_claim: LoginClaim = "preferred_username"
    groups_claim: GroupsClaim | None = None
    group_prefix: GroupPrefix = "sso:"
    group_map: GroupMap = msgspec.field(default_factory=dict)
    external_id_claim: ExternalIdClaim | None = None
    quota_claim: QuotaClaim | None = None
    makes_users: Annotated[
        bool | None,
        Meta(description="A first sign-in makes an account; by default only with emailDomains."),
    ] = None
    email_domains: Domains = ()


class ChangeIdentityProvider(RequestShape, frozen=True, kw_only=True):
    """Change what is given."""

    name: Word | UnsetType = UNSET
    client_id: Word | UnsetType = UNSET
    client_secret: Secret | UnsetType | None = UNSET
    scopes: Scopes | UnsetType = UNSET
    login_claim: LoginClaim | UnsetType = UNSET
    groups_claim: GroupsClaim | UnsetType | None = UNSET
    group_prefix: GroupPrefix | UnsetType = UNSET
    group_map: GroupMap | UnsetType = UNSET
    external_id_claim: ExternalIdClaim | UnsetType | None = UNSET
    quota_claim: QuotaClaim | UnsetType | None = UNSET
    makes_users: bool | UnsetType = UNSET
    email_domains: Domains | UnsetType = UNSET


class SignInWay(ResponseShape, frozen=True, kw_only=True):
    """A provider that users of a tenant may sign in with."""

    id: UUID
    name: str


class WaysOf(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose ways to sign in."""

    tenant: TenantName = "default"


class BeginSignIn(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """How a client takes part in a sign-in (as RFC 8252 has it)."""

    return_to: Annotated[
        str,
        Meta(
            max_length=512,
            description="A path of this server, or http://127.0.0.1:PORT/… of the client.",
        ),
    ]
    challenge: Annotated[str, Meta(description="base64url of the SHA-256 of a verifier.")]
    state: Annotated[str, Meta(max_length=128)] = ""


class AuthorizationResponse(Struct, frozen=True):
    """What a provider sends a browser back with; more may come, and is not looked at."""

    state: Annotated[str, Meta(max_length=512)] = ""
    code: Annotated[str, Meta(max_length=4096)] | None = None
    iss: Annotated[str, Meta(max_length=512)] | None = None
    error: Annotated[str, Meta(max_length=512)] | None = None


class RedeemSignIn(RequestShape, frozen=True, kw_only=True):
    """Take the session of a sign-in."""

    code: Annotated[str, Meta(min_length=1, max_length=128)]
    verifier: Annotated[str, Meta(min_length=43, max_length=128)]
    refreshable: Refreshable = False


class LogOut(Struct, frozen=True):
    """What a provider sends when somebody logs out there; more may come, and is not looked at."""

    logout_token: Annotated[str, Meta(min_length=1, max_length=32_768)]
