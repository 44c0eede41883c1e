"""Links: whoever has the token may do what the link says, without being a user."""

from datetime import datetime
from enum import Enum
from typing import ClassVar
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.files.contract import NodeNotFound
from bitvault.kernel.access import Role
from bitvault.kernel.events import Event
from bitvault.kernel.ids import NodeId, UserId
from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Category, Forbidden, IdempotencyConflict, Invalid, Refusal
from bitvault.kernel.request import Request


@frozen
class RequestTerms:
    """What a file request, a link of the role uploader, takes; None is without limit.

    Its deadline is the link's end; what was begun by then may be finished an hour longer.
    """

    message: str = ""
    """For whoever opens it."""
    max_files: int | None = None
    """Of all uploaders together."""
    max_size: int | None = None
    """Bytes of one file."""
    extensions: tuple[str, ...] = ()
    """What names may end with, without the dot; none: with anything."""


class LinkState(Enum):
    """Whether a link leads anywhere, or what stands in its way."""

    VALID = "valid"
    REVOKED = "revoked"
    USED_UP = "used_up"
    """As many downloads as it allows, or files as it asks for."""
    EXPIRED = "expired"
    AGAINST_POLICY = "against_policy"
    UNANSWERED = "unanswered"
    """Whoever made it, or changed it last, is disabled or gone; a change by others mends it."""


@frozen
class Link:
    """A link, without its token, which is shown once."""

    link_id: UUID
    node_id: NodeId
    role: Role
    """``viewer``, ``editor`` or ``uploader``."""
    label: str
    has_password: bool
    expires_at: datetime | None
    max_downloads: int | None
    downloads: int
    is_revoked: bool
    revision: int
    created_by: UserId
    created_at: datetime
    request: RequestTerms | None = None
    """Of an uploader's link."""
    files: int = 0
    """That came in by a file request, and their bytes; known a moment after the commit."""
    bytes: int = 0
    state: LinkState = LinkState.VALID
    """When it was asked for, by the policy of whoever asked."""


@frozen
class LinkIssued:
    """A link with its token: the only time the token is seen."""

    link: Link
    token: str = field(repr=False)


@frozen
class LinkTerms:
    """What a link allows; None is without."""

    role: Role = Role.VIEWER
    label: str = ""
    password: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    max_downloads: int | None = None
    request: RequestTerms | None = None
    """For the role uploader, and for no other."""


# Refusals


@frozen
class LinkNotFound(Refusal):
    """No such link, or one that has expired, was revoked or used up: indistinguishable."""

    code: ClassVar[str] = "link_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say no more than that."""
        return "There is no such link, or it is no longer valid."


@frozen
class LinkPasswordNeeded(Refusal):
    """The link has a password, and none or a wrong one was given."""

    code: ClassVar[str] = "link_password_needed"
    category: ClassVar[Category] = Category.UNAUTHENTICATED

    @property
    def detail(self) -> str:
        """Say how to give it."""
        return (
            "This link needs its password, and none or a wrong one came: send it as Basic "
            "authentication, TOKEN:PASSWORD."
        )


@frozen
class TooManyGuesses(Refusal):
    """Too many wrong passwords for this link from this address, or from everywhere."""

    code: ClassVar[str] = "too_many_guesses"
    category: ClassVar[Category] = Category.EXHAUSTED
    retryable: ClassVar[bool] = True
    retry_after: int
    """Seconds."""

    @property
    def detail(self) -> str:
        """Say when to come back."""
        return f"Too many wrong passwords; try again in {self.retry_after} seconds."


@frozen
class TooManyLinks(Refusal):
    """A node has as many links as it may have."""

    code: ClassVar[str] = "too_many_links"
    category: ClassVar[Category] = Category.CONFLICT
    most: int

    @property
    def detail(self) -> str:
        """Say what to do."""
        return f"At most {self.most} links on one file or folder; delete one that is not needed."


@frozen
class StaleLink(Refusal):
    """The link has changed since the client looked."""

    code: ClassVar[str] = "precondition_failed"
    category: ClassVar[Category] = Category.PRECONDITION_FAILED
    revision: int

    @property
    def detail(self) -> str:
        """Say what to do."""
        return "The link was changed meanwhile; look at it again and repeat."


# Events; the aggregate is the link


@frozen
class LinkCreated(Event):
    """A link was made."""

    kind: ClassVar[str] = "share.link_created"
    node_id: UUID
    role: str


@frozen
class LinkChanged(Event):
    """A link's terms or its token were changed, or it was revoked or made valid again."""

    kind: ClassVar[str] = "share.link_changed"
    node_id: UUID
    role: str
    is_revoked: bool


@frozen
class LinkDeleted(Event):
    """A link is gone."""

    kind: ClassVar[str] = "share.link_deleted"
    node_id: UUID


# Requests


@frozen
class CreateLink(
    Request[LinkIssued, NodeNotFound | TooManyLinks | IdempotencyConflict | Invalid | Forbidden]
):
    """Make a link to a node; for those who may share it."""

    caller: Caller
    node_id: NodeId
    terms: LinkTerms


@frozen
class ListLinks(Request[Page[Link], NodeNotFound | Invalid | Forbidden]):
    """List the links of a node, for those who may share it; or (None) those the caller made."""

    caller: Caller
    node_id: NodeId | None = None
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class ChangeLink(Request[Link, LinkNotFound | StaleLink | Invalid | Forbidden]):
    """Replace a link's terms, all of them; revoke it, or make it valid again."""

    caller: Caller
    link_id: UUID
    terms: LinkTerms
    keeps_password: bool
    """Leave the password as it is, whatever the terms say."""
    is_revoked: bool
    if_revision: int | None = None


@frozen
class GetLink(Request[Link, LinkNotFound | Forbidden]):
    """Describe a link; for those who may share its node."""

    caller: Caller
    link_id: UUID


@frozen
class DeleteLink(Request[None, LinkNotFound | Forbidden]):
    """Delete a link; whoever has its token gets nothing any more."""

    caller: Caller
    link_id: UUID


@frozen
class PasswordUnjudged:
    """To judge the password it has to be hashed: ask again when there is room for that."""


@frozen
class OpenLink(
    Request[Principal | PasswordUnjudged, LinkNotFound | LinkPasswordNeeded | TooManyGuesses]
):
    """Say whose token this is: a guest with the rights of the link, and no others."""

    token: str = field(repr=False)
    password: str | None = field(repr=False)
    origin: Origin
    may_hash: bool = True
    """Hashing is dear; what password was found to fit a moment ago is known without it."""


@frozen
class DescribeOwnLink(Request[Link, LinkNotFound]):
    """Describe the link that the caller, a guest, came with."""

    caller: Caller


@frozen
class CountDownloads(Request[None, LinkNotFound]):
    """Count what a guest is about to download; refused when the link allows no more."""

    caller: Caller
    count: int
