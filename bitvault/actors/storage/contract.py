"""Storage: opens, signs, verifies and discards objects. It knows keys and digests, no names.

Every message takes up to 1000 objects and answers one outcome for each, in order; a single upload
is a batch of one. Hash forms (DESIGN §6): ``sha256:<hex>`` for a single PUT,
``sha256-<n>:<hex>`` over n concatenated part digests for a multipart upload.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final, Never

from attrs import frozen

from bitvault.kernel.events import Event
from bitvault.kernel.ids import TenantId, UploadId
from bitvault.kernel.refusal import Category, Invalid, Refusal
from bitvault.kernel.request import Request


@frozen
class Transfer:
    """What a client must send to the store: ``part_number`` is None for a single PUT or a GET."""

    method: str
    url: str
    headers: Mapping[str, str]
    expires_at: datetime
    part_number: int | None = None


@frozen
class Plan:
    """How the bytes go up: a pure function of size (``rules.plan_for``)."""

    kind: str
    """``single`` or ``multipart``."""
    part_size: int
    part_count: int


@frozen
class ObjectDraft:
    """An object about to be uploaded. ``hash`` may be None only for a multipart plan."""

    upload_id: UploadId
    size: int
    hash: str | None


@frozen
class SizedObject:
    """An object whose plan is asked for."""

    upload_id: UploadId
    size: int


@frozen
class ObjectOpened:
    """The plan, and for a single PUT its one transfer; parts are signed just in time."""

    plan: Plan
    transfers: tuple[Transfer, ...]


@frozen
class PartDraft:
    """A part to sign; with its ``sha256:<hex>`` the URL is good for exactly those bytes."""

    part_number: int
    hash: str | None = None


@frozen
class PartDone:
    """A part as the client claims to have sent it."""

    part_number: int
    etag: str
    hash: str


@frozen
class PartReceived:
    """A part the store holds."""

    part_number: int
    size: int
    etag: str
    hash: str | None


@frozen
class UploadClaim:
    """What a commit claims: the store is asked whether it is so."""

    upload_id: UploadId
    hash: str
    etag: str | None = None
    parts: tuple[PartDone, ...] = ()


@frozen
class ObjectVerified:
    """The object is sealed: it exists, has this size and hash, and no old URL can change it."""

    key: str
    size: int
    hash: str


@frozen
class ObjectProgress:
    """What the store has of an unfinished upload."""

    plan: Plan
    parts: tuple[PartReceived, ...]
    received: bool
    """For a single PUT: whether the object is there."""


# Refusals


@frozen
class ObjectUnknown(Refusal):
    """The ledger has no such open object: never opened, discarded, or of another tenant."""

    code: ClassVar[str] = "upload_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say what to do."""
        return "There is no such upload; start a new one with POST /v1/files."


@frozen
class BytesMissing(Refusal):
    """Commit came before the PUT, or parts are missing."""

    code: ClassVar[str] = "bytes_missing"
    category: ClassVar[Category] = Category.CONFLICT
    retryable: ClassVar[bool] = True
    missing_parts: tuple[int, ...] = ()
    """The first missing part numbers (at most 100); empty for a single PUT."""

    @property
    def detail(self) -> str:
        """Say what to send first."""
        if self.missing_parts:
            return f"The store lacks parts {list(self.missing_parts)}; send them, then commit."
        return "The store has no bytes for this upload; PUT them, then commit."


@frozen
class BytesMismatch(Refusal):
    """The store holds other bytes than the commit claims; nothing was written."""

    code: ClassVar[str] = "bytes_mismatch"
    category: ClassVar[Category] = Category.UNPROCESSABLE
    field: str
    """``size``, ``hash``, ``etag`` or ``parts``."""

    @property
    def detail(self) -> str:
        """Name what differs."""
        return f"{self.field}: differs from what the store holds; nothing was committed."


# Requests


@frozen
class OpenObjects(Request[tuple[ObjectOpened | Refusal, ...], Never]):
    """Open a ledger entry and sign the PUT for each draft; repeated ids answer the same entry."""

    tenant_id: TenantId
    drafts: tuple[ObjectDraft, ...]


@frozen
class PlanObjects(Request[tuple[Plan, ...], Never]):
    """Say how each object goes up, open or long over, without asking the store.

    The ledger's plan; for an object it does not have, the one it would be opened with.
    """

    tenant_id: TenantId
    objects: tuple[SizedObject, ...]


@frozen
class SignParts(Request[tuple[Transfer, ...], ObjectUnknown | Invalid]):
    """Sign some parts of a multipart upload."""

    tenant_id: TenantId
    upload_id: UploadId
    parts: tuple[PartDraft, ...]


@frozen
class ResignPut(Request[Transfer, ObjectUnknown | Invalid]):
    """Sign the single PUT again, for a client that resumes after the first URL expired."""

    tenant_id: TenantId
    upload_id: UploadId


@frozen
class DescribeObject(Request[ObjectProgress, ObjectUnknown]):
    """Ask the store what it has of an upload; its ListParts is the truth of a resume."""

    tenant_id: TenantId
    upload_id: UploadId


@frozen
class VerifyObjects(
    Request[tuple[ObjectVerified | ObjectUnknown | BytesMissing | Refusal, ...], Never]
):
    """Prove each claim against the store and seal the object; repeats answer the same.

    Several claims on one object are answered as if they had been sent one after the other.
    """

    tenant_id: TenantId
    claims: tuple[UploadClaim, ...]


@frozen
class DiscardObjects(Request[int, Never]):
    """Mark objects as garbage and delete what the store has; answers how many there were.

    Of more than a few only the marks are made: the collector deletes them in its next turn.
    """

    tenant_id: TenantId
    upload_ids: tuple[UploadId, ...]


# Requests of the collector (ADR-0013). Whoever opens objects here has to be asked by it what
# became of them: an object that nobody answers for is deleted.


@frozen
class DiscardKeys(Request[int, Never]):
    """Mark sealed objects as garbage by key, and delete them now or later.

    From the answer on (how many there were) they are this room's business alone: what cannot be
    deleted now is tried again until it is.
    """

    tenant_id: TenantId
    keys: tuple[str, ...]


@frozen
class DueObject:
    """An object nobody has claimed for so long that its owner must be asked about it.

    ``key`` and ``hash`` are those of a sealed object; both None while it is open.
    """

    tenant_id: TenantId
    upload_id: UploadId
    key: str | None
    hash: str | None


@frozen
class ListDueObjects(Request[tuple[DueObject, ...], Never]):
    """List open and sealed objects of all tenants that are due, the most overdue first."""

    limit: int


@frozen
class SettleObjects(Request[int, Never]):
    """Do what their owner said of objects that were due; answers how many became garbage."""

    tenant_id: TenantId
    kept: tuple[UploadId, ...]
    """Sealed and named by the owner, who will discard them by key: never due again."""
    later: tuple[UploadId, ...]
    """Not decided yet."""
    unneeded: tuple[DueObject, ...]
    """Nobody's, now and for ever; one that was sealed since it was listed is left alone."""


@frozen
class RetryDiscards(Request[int, Never]):
    """Delete garbage that could not be deleted, and look once more at what was.

    Answers how many objects it looked at, at most ``limit``.
    """

    limit: int


@frozen
class InspectLedger(Request[datetime | None, Never]):
    """Say since when the oldest garbage has waited for its deletion; None without any."""


@frozen
class DownloadDraft:
    """An object to read, and how the response presents it."""

    key: str
    file_name: str
    content_type: str
    inline: bool = False


@frozen
class SignDownloads(Request[tuple[Transfer, ...], Never]):
    """Sign a short-lived GET for each object."""

    tenant_id: TenantId
    downloads: tuple[DownloadDraft, ...]


# Events


@frozen
class BlobSealed(Event):
    """An object was verified; its bytes can't change any more. The aggregate is the upload id."""

    kind: ClassVar[str] = "blob.sealed"
    key: str
    size: int
    hash: str


@frozen
class BlobDiscarded(Event):
    """An object became garbage: aborted, expired, or nobody's any more."""

    kind: ClassVar[str] = "blob.discarded"
    key: str


TAGS: Final[Mapping[str, type]] = {
    "describe_object": DescribeObject,
    "discard_keys": DiscardKeys,
    "discard_objects": DiscardObjects,
    "inspect_ledger": InspectLedger,
    "list_due_objects": ListDueObjects,
    "object_opened": ObjectOpened,
    "object_progress": ObjectProgress,
    "object_unknown": ObjectUnknown,
    "object_verified": ObjectVerified,
    "open_objects": OpenObjects,
    "plan_objects": PlanObjects,
    "resign_put": ResignPut,
    "retry_discards": RetryDiscards,
    "settle_objects": SettleObjects,
    "sign_downloads": SignDownloads,
    "sign_parts": SignParts,
    "transfer": Transfer,
    "verify_objects": VerifyObjects,
}
"""What each message is called when it travels; a tag stays, whatever the class is called."""
