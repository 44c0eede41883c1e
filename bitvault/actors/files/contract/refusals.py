"""Every way this room says no."""

from typing import ClassVar

from attrs import frozen

from bitvault.kernel.refusal import Category, Forbidden, Invalid, Refusal


@frozen
class NodeNotFound(Refusal):
    """No such live node, or the caller may not see it: the same answer."""

    code: ClassVar[str] = "node_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    target: str
    """The id or path as it was asked for."""

    @property
    def detail(self) -> str:
        """Name the target."""
        return f"There is no {self.target!r}."


@frozen
class VersionNotFound(Refusal):
    """The file has no such version."""

    code: ClassVar[str] = "version_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    version: int

    @property
    def detail(self) -> str:
        """Name the version."""
        return f"The file has no version {self.version}."


@frozen
class EntryNotFound(Refusal):
    """The trash has no such entry."""

    code: ClassVar[str] = "trash_entry_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say where to look."""
        return "There is no such entry in the trash; list it with GET /v1/trash."


@frozen
class SpaceNotFound(Refusal):
    """No such space, or the caller is not a member: the same answer."""

    code: ClassVar[str] = "space_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    space: str

    @property
    def detail(self) -> str:
        """Name the space."""
        return f"There is no space {self.space!r}."


@frozen
class SpaceTaken(Refusal):
    """Another team space of the tenant has this name."""

    code: ClassVar[str] = "space_taken"
    category: ClassVar[Category] = Category.CONFLICT
    name: str

    @property
    def detail(self) -> str:
        """Name the space."""
        return f"name: there is a space {self.name!r} already."


@frozen
class SpaceNotEmpty(Refusal):
    """A space is deleted only when nothing is in it: no file, no trash, no upload under way."""

    code: ClassVar[str] = "space_not_empty"
    category: ClassVar[Category] = Category.CONFLICT

    @property
    def detail(self) -> str:
        """Say what to do."""
        return "The space has files, trash or uploads under way; move them, or purge them first."


@frozen
class LastManager(Refusal):
    """A team space keeps a manager: its last one can neither leave nor become less."""

    code: ClassVar[str] = "last_manager"
    category: ClassVar[Category] = Category.CONFLICT

    @property
    def detail(self) -> str:
        """Say what to do."""
        return "role: this is the space's last manager; make somebody else one first."


@frozen
class NameTaken(Refusal):
    """The folder has a child of that name (compared case-insensitively, in NFC)."""

    code: ClassVar[str] = "name_taken"
    category: ClassVar[Category] = Category.CONFLICT
    name: str

    @property
    def detail(self) -> str:
        """Name it, and the ways out."""
        return (
            f"name: {self.name!r} exists here; choose another, or set ifExists to rename, or to "
            "replace if both are files."
        )


@frozen
class KindMismatch(Refusal):
    """A file where a folder is needed, or the other way round."""

    code: ClassVar[str] = "kind_mismatch"
    category: ClassVar[Category] = Category.CONFLICT
    target: str
    needed: str
    """``file`` or ``folder``."""

    @property
    def detail(self) -> str:
        """Name the target and the kind that is needed."""
        return f"{self.target!r} is not a {self.needed}."


@frozen
class StaleBase(Refusal):
    """``baseVersion`` is not the current version; nothing was overwritten."""

    code: ClassVar[str] = "stale_base"
    category: ClassVar[Category] = Category.CONFLICT
    current_version: int

    @property
    def detail(self) -> str:
        """Name the current version."""
        return f"baseVersion: the current version is {self.current_version}."


@frozen
class StaleRevision(Refusal):
    """If-Match does not match: it has changed since the caller read it."""

    code: ClassVar[str] = "precondition_failed"
    category: ClassVar[Category] = Category.PRECONDITION_FAILED
    current_revision: int

    @property
    def detail(self) -> str:
        """Say what to do."""
        return "If-Match: the resource has changed; read it again."


@frozen
class StaleMember(Refusal):
    """If-Match does not match: it has changed since the caller read it."""

    code: ClassVar[str] = "precondition_failed"
    category: ClassVar[Category] = Category.PRECONDITION_FAILED
    current_role: str | None
    """None: not a member."""

    @property
    def detail(self) -> str:
        """Name the present role."""
        present = "is no member" if self.current_role is None else f"is {self.current_role}"
        return f"If-Match: the user {present} now; nothing was changed."


@frozen
class MemberNotFound(Refusal):
    """The user is not a member of the space."""

    code: ClassVar[str] = "user_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    user: str

    @property
    def detail(self) -> str:
        """Say where to look."""
        return f"User {self.user} is not a member; list them with GET /v1/spaces/{{id}}/members."


@frozen
class QuotaExceeded(Refusal):
    """The bytes do not fit in what is left of the space's or the tenant's quota."""

    code: ClassVar[str] = "quota_exceeded"
    category: ClassVar[Category] = Category.TOO_LARGE
    requested: int
    available: int | None
    """None where it is not the caller's to know."""

    @property
    def detail(self) -> str:
        """Give both figures in bytes."""
        if self.available is None:
            return f"size: {self.requested} bytes do not fit."
        return f"size: {self.requested} bytes do not fit in the {self.available} that are left."


@frozen
class TreeRuleBroken(Refusal):
    """The operation would break the tree: into itself, the root, too deep."""

    code: ClassVar[str] = "tree_rule"
    category: ClassVar[Category] = Category.CONFLICT
    field: str
    rule: str

    @property
    def detail(self) -> str:
        """Name the field and the rule."""
        return f"{self.field}: {self.rule}"


@frozen
class TooManyNodes(Refusal):
    """The subtree is larger than one operation may copy."""

    code: ClassVar[str] = "too_many_nodes"
    category: ClassVar[Category] = Category.TOO_LARGE
    limit: int

    @property
    def detail(self) -> str:
        """Name the limit and the way round it."""
        return f"The folder holds more than {self.limit} nodes; copy its subfolders one by one."


@frozen
class UploadNotFound(Refusal):
    """No such upload of this caller."""

    code: ClassVar[str] = "upload_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say what to do."""
        return "There is no such upload; start a new one with POST /v1/files."


@frozen
class UploadClosed(Refusal):
    """The upload is over: committed, aborted or expired."""

    code: ClassVar[str] = "upload_closed"
    category: ClassVar[Category] = Category.CONFLICT
    state: str

    @property
    def detail(self) -> str:
        """Name its state."""
        return f"The upload is {self.state}; start a new one with POST /v1/files."


@frozen
class RequestClosed(Refusal):
    """The file request's deadline has passed; what was begun before may still be finished."""

    code: ClassVar[str] = "request_closed"
    category: ClassVar[Category] = Category.CONFLICT

    @property
    def detail(self) -> str:
        """Say whom to turn to."""
        return "This file request is closed; ask whoever sent it to you to open it again."


@frozen
class RequestFull(Refusal):
    """The file request has as many files as it takes."""

    code: ClassVar[str] = "request_full"
    category: ClassVar[Category] = Category.CONFLICT

    @property
    def detail(self) -> str:
        """Say whom to turn to."""
        return "This file request takes no more files; ask whoever sent it to you."


Unlocated = NodeNotFound | SpaceNotFound | KindMismatch | TreeRuleBroken | Invalid
"""What a target is refused with."""
Unplaced = Unlocated | NameTaken | QuotaExceeded | StaleRevision | Forbidden
"""What a change of a tree is refused with."""
Unaccepted = Unplaced | StaleBase | RequestClosed | RequestFull
"""What content that arrives is refused with."""
Unfinished = UploadNotFound | UploadClosed | Invalid
"""What is asked of an upload is refused with."""
