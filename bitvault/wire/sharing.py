"""Grants on files and folders, and who has access to them."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from bitvault.wire.fields import Moment, Path, RequestShape, ResponseShape
from bitvault.wire.nodes import Node

EVERYONE = UUID(int=0)
"""The grantee id of all users of the tenant."""

Role = Literal["uploader", "viewer", "editor", "manager"]
RightWord = Literal["read", "add", "change", "share"]
Rights = Annotated[
    list[RightWord],
    Meta(description="All of them: who is uploader and viewer may read and add, and not change."),
]


class Grantee(ResponseShape, frozen=True, kw_only=True):
    """A user, a group, everyone in the tenant (the nil id), or whoever has a link."""

    id: UUID
    kind: Literal["user", "group", "everyone", "link"]
    name: Annotated[str | None, Meta(description="A login or a group's name; null if it is gone.")]


class PutGrant(RequestShape, frozen=True, kw_only=True):
    """Give a role."""

    role: Role


class Grant(ResponseShape, frozen=True, kw_only=True):
    """A role that somebody has on a file or folder and on all below it."""

    node_id: UUID
    grantee: Grantee
    role: Role
    etag: str
    granted_by: UUID
    granted_at: Moment


class Shares(ResponseShape, frozen=True, kw_only=True):
    """What is said on a file or folder itself; what comes from above, ``access`` tells."""

    grants: list[Grant]
    restricted: Annotated[
        bool, Meta(description="Whether what is granted above ends at this folder.")
    ]


class Reason(ResponseShape, frozen=True, kw_only=True):
    """One source of somebody's access."""

    source: Literal["owner", "member", "grant"]
    role: Role
    node_id: Annotated[UUID | None, Meta(description="Null where you may not look.")]
    path: Annotated[str | None, Meta(description="Null where you may not look.")]


class Holder(ResponseShape, frozen=True, kw_only=True):
    """Somebody with access: the strongest role, all rights, and everything that gives one."""

    grantee: Grantee
    role: Role
    rights: Rights
    reasons: list[Reason]


LinkRole = Literal["viewer", "editor", "uploader"]


class Granting(RequestShape, frozen=True, kw_only=True):
    """Whom to give a role, or (null) take it back from; the nil id is everyone in the tenant."""

    grantee_id: UUID
    role: Role | None = None


class Destination(RequestShape, frozen=True, kw_only=True):
    """The folder to move into."""

    parent_id: UUID | None = None
    parent_path: Path | None = None


class PreviewAccess(RequestShape, frozen=True, kw_only=True):
    """One change, to be asked about; exactly one field is not null."""

    grant: Granting | None = None
    link: Annotated[LinkRole | None, Meta(description="The role of a new link.")] = None
    restricted: bool | None = None
    move_to: Destination | None = None


class Shift(ResponseShape, frozen=True, kw_only=True):
    """Somebody whose role would be another one; null is without access."""

    grantee: Annotated[Grantee, Meta(description="Of a link that is not made yet the id is nil.")]
    before: Role | None
    after: Role | None
    gains: Rights
    losses: Rights


class AccessPreview(ResponseShape, frozen=True, kw_only=True):
    """Who would gain or lose access, and to how much."""

    shifts: Annotated[list[Shift], Meta(description="Gains first; no more than a hundred.")]
    gains: int
    losses: int
    nodes: Annotated[
        int, Meta(description="Files and folders it is about; counting ends at a thousand.")
    ]
    size: Annotated[int, Meta(description="Bytes of the current versions of these.")]
    more: Annotated[bool, Meta(description="Whether there are more of them.")]
    partial: Annotated[
        bool,
        Meta(
            description="Whether only the first ten thousand members of the space, by id, and its"
            " managers were looked at."
        ),
    ]


Label = Annotated[str, Meta(max_length=128, examples=["for the printer"])]
LinkPassword = Annotated[str, Meta(min_length=8, max_length=1024)]
MaxDownloads = Annotated[int, Meta(ge=1, le=1 << 53)]
MaxFiles = Annotated[int, Meta(ge=1, le=1 << 53, description="Of all uploaders together.")]
MaxSize = Annotated[int, Meta(ge=1, le=5 << 40, description="Bytes of one file.")]
Extension = Annotated[str, Meta(min_length=1, max_length=16, examples=["pdf"])]
Extensions = Annotated[
    tuple[Extension, ...],
    Meta(max_length=50, description="What names may end with; none: with anything."),
]


class FileRequest(RequestShape, frozen=True, kw_only=True):
    """What a file request, a link of the role uploader, takes; null is without limit."""

    message: Annotated[
        str, Meta(max_length=2000, description="Shown to whoever opens the link.")
    ] = ""
    max_files: MaxFiles | None = None
    max_size: MaxSize | None = None
    extensions: Extensions = ()


class RequestState(ResponseShape, frozen=True, kw_only=True):
    """What a file request takes, and what came in."""

    message: str
    max_files: int | None
    max_size: int | None
    extensions: tuple[str, ...]
    files: int
    bytes: int


class CreateLink(RequestShape, frozen=True, kw_only=True):
    """Make a link; what is null is without.

    Its end is the deadline of a file request: from then on no upload begins.
    """

    role: LinkRole = "viewer"
    label: Label = ""
    password: LinkPassword | None = None
    expires_at: Moment | None = None
    max_downloads: MaxDownloads | None = None
    request: Annotated[
        FileRequest | None, Meta(description="For the role uploader, and for no other.")
    ] = None


class ChangeLink(RequestShape, frozen=True, kw_only=True):
    """Change a link; what is absent stays as it is, what is null is without."""

    role: LinkRole | UnsetType = UNSET
    label: Label | UnsetType = UNSET
    password: LinkPassword | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    max_downloads: MaxDownloads | UnsetType | None = UNSET
    request: Annotated[
        FileRequest | UnsetType, Meta(description="As a whole; of an uploader's link only.")
    ] = UNSET
    revoked: Annotated[
        bool | UnsetType, Meta(description="True ends it; false makes it valid again.")
    ] = UNSET


LinkState = Annotated[
    Literal["valid", "revoked", "used_up", "expired", "against_policy", "unanswered"],
    Meta(
        description="Whether it leads anywhere as it stands, or what is in its way; unanswered:"
        " whoever made it, or changed it last, is disabled or gone."
    ),
]


class Link(ResponseShape, frozen=True, kw_only=True):
    """A link to a file or folder."""

    id: UUID
    node_id: UUID
    node: Annotated[Node | None, Meta(description="What it leads to; null where you see it not.")]
    state: LinkState
    role: LinkRole
    label: str
    has_password: bool
    expires_at: Moment | None
    max_downloads: int | None
    downloads: int
    revoked: bool
    request: Annotated[RequestState | None, Meta(description="Null for other roles.")]
    etag: str
    created_by: UUID
    created_at: Moment


class LinkCreated(Link, frozen=True, kw_only=True):
    """A new link, with its token: this is the only time it is shown."""

    token: str
    page: Annotated[
        str,
        Meta(
            description="Where people open it, on this server. What is behind the # stays in the "
            "browser: no log has it.",
            examples=["/s#bvl_…"],
        ),
    ]


class OpenRequest(ResponseShape, frozen=True, kw_only=True):
    """A file request, as whoever has it may see it: nothing of what came in."""

    node_id: Annotated[UUID, Meta(description="What uploads go below: ``ID:/name``, or as parent.")]
    message: str
    max_size: int | None
    extensions: tuple[str, ...]
    is_closed: Annotated[bool, Meta(description="What was begun may be finished, for an hour.")]


class GuestLink(ResponseShape, frozen=True, kw_only=True):
    """What a link leads to, as whoever has it may see it."""

    node: Annotated[Node | None, Meta(description="Null for a file request.")]
    request: Annotated[OpenRequest | None, Meta(description="Null for other links.")]
    role: LinkRole
    label: str
    expires_at: Moment | None
    downloads_left: int | None


class SharedNode(ResponseShape, frozen=True, kw_only=True):
    """A file or folder that somebody shared with you; its path begins at what you may see."""

    id: UUID
    name: str
    node: Annotated[Node | None, Meta(description="Null where you may add, and see nothing.")]
    role: Role
    shared_by: Annotated[str | None, Meta(description="Login of who gave it last, if still here.")]
