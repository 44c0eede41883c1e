"""Logging in, tokens, users."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from bitvault.wire.shape import Body, Id, Shape

_Name = Annotated[str, Meta(min_length=1, max_length=512)]
_Password = Annotated[str, Meta(min_length=1, max_length=4096)]


class User(Shape, frozen=True):
    """A user of a tenant."""

    id: Id
    tenant_id: Id
    tenant: str
    login: str
    display_name: str
    is_admin: bool
    created_at: datetime


class UserPage(Shape, frozen=True):
    """One page of users, by login."""

    items: list[User]
    next_cursor: str | None


class OpenSession(Body, frozen=True):
    """Log in with a password."""

    login: _Name
    password: _Password
    tenant: _Name = "default"


class Session(Shape, frozen=True):
    """A new session; the token is shown this once."""

    token: str
    expires_at: datetime | None
    user: User


class Credential(Shape, frozen=True):
    """A session or a named API token, without its secret."""

    id: Id
    kind: str
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    address: str
    user_agent: str
    is_current: bool


class CredentialList(Shape, frozen=True):
    """The caller's live sessions or tokens, newest first."""

    items: list[Credential]
    next_cursor: str | None = None


class CreateToken(Body, frozen=True):
    """A named API token; `expiresIn` seconds, or for ever."""

    name: _Name
    expires_in: Annotated[int, Meta(ge=1, le=315_360_000)] | None = None


class TokenCreated(Shape, frozen=True):
    """A new API token; `token` is shown this once."""

    token: str
    id: Id
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None


class ChangePassword(Body, frozen=True):
    """Change one's own password."""

    current_password: _Password
    new_password: _Password


class CreateUser(Body, frozen=True):
    """A new user of the caller's tenant."""

    login: _Name
    password: _Password
    display_name: Annotated[str, Meta(max_length=512)] = ""
    is_admin: bool = False
