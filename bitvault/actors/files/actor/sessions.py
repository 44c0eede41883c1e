"""Upload sessions: how far they are, signing their parts, ending them."""

from collections.abc import Sequence

from attrs import define

from bitvault.actors.files.actor.options import FilesOptions
from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.actor.uploads import plan_of, step_of
from bitvault.actors.files.contract import (
    AbortUpload,
    AbortUploads,
    DescribeUpload,
    ListUploads,
    ReceivedPart,
    SignUploadParts,
    TransferStep,
    UploadClosed,
    UploadEnded,
    UploadNotFound,
    UploadPlan,
    UploadState,
)
from bitvault.actors.files.rules.cursors import before_id, list_name
from bitvault.actors.files.rules.drafts import check_batch, check_limit
from bitvault.actors.files.store.closing import abort_uploads, open_page, renew_upload
from bitvault.actors.files.store.committing import find_uploads
from bitvault.actors.files.store.contents import Stamp
from bitvault.actors.room import ask_below
from bitvault.actors.storage.contract import (
    DescribeObject,
    DiscardObjects,
    PartDraft,
    PlanObjects,
    ResignPut,
    SignParts,
    SizedObject,
)
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import SpaceId, TenantId, UploadId
from bitvault.kernel.paging import Page, page_of
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refusal, Refused, Unavailable
from supervisors import Ref, handles


@define(eq=False)
class UploadSessions:
    """The life of an upload between init and commit."""

    transactions: FilesTransactions
    storage: Ref
    clock: Clock
    options: FilesOptions

    @handles(DescribeUpload)
    async def describe(self, message: DescribeUpload) -> UploadState | Refusal:
        """Say how far an upload is; the store's own list of parts is the truth."""
        row = await self._continued(message.caller, message.upload_id)
        if row["state"] != "open":
            plans = await self._plans(message.caller.tenant_id, [row])
            return plans if isinstance(plans, Unavailable) else _state(row, plans[0])
        progress = await ask_below(
            self.storage, DescribeObject(message.caller.tenant_id, message.upload_id), "storage"
        )
        if isinstance(progress, Refusal):
            return progress
        parts = tuple(
            ReceivedPart(part.part_number, part.size, part.etag, part.hash)
            for part in progress.parts
        )
        return _state(row, plan_of(progress.plan), parts, received=progress.received)

    @handles(ListUploads)
    async def list_uploads(self, message: ListUploads) -> Page[UploadState] | Unavailable:
        """List the caller's open uploads, newest first."""
        check_limit(message.limit)
        if message.caller.principal.confined_to:
            return Page(
                (), None
            )  # the paths of others of its user lead through what it may not see
        stamp = Stamp(message.caller, self.clock.now())
        name = list_name("uploads", message.caller.principal.user_id)
        before = before_id(message.cursor, name)
        rows = await self.transactions.read(
            message.caller, lambda tx: open_page(tx, stamp, before, message.limit)
        )
        page = page_of(rows, message.limit, [(str(row["upload_id"]),) for row in rows], name)
        plans = await self._plans(message.caller.tenant_id, page.items)
        if isinstance(plans, Unavailable):
            return plans
        states = [_state(row, plan) for row, plan in zip(page.items, plans, strict=True)]
        return Page(tuple(states), page.next_cursor)

    @handles(SignUploadParts)
    async def sign(self, message: SignUploadParts) -> tuple[TransferStep, ...] | Refusal:
        """Sign parts, or the single PUT again."""
        row = await self._continued(message.caller, message.upload_id)
        if row["state"] != "open":
            return UploadClosed(row["state"])
        tenant_id = message.caller.tenant_id
        if not message.parts:
            transfer = await ask_below(
                self.storage, ResignPut(tenant_id, message.upload_id), "storage"
            )
            return transfer if isinstance(transfer, Refusal) else (step_of(transfer),)
        check_batch(len(message.parts), "parts")
        drafts = tuple(PartDraft(part.part_number, part.hash) for part in message.parts)
        signed = await ask_below(
            self.storage, SignParts(tenant_id, message.upload_id, drafts), "storage"
        )
        return signed if isinstance(signed, Refusal) else tuple(step_of(one) for one in signed)

    @handles(AbortUpload)
    async def abort(self, message: AbortUpload) -> Refusal | None:
        """End an upload and give back what it reserved."""
        (outcome,) = await self._abort(message.caller, (message.upload_id,))
        return outcome if isinstance(outcome, Refusal) else None

    @handles(AbortUploads)
    async def abort_all(self, message: AbortUploads) -> tuple[UploadEnded | Refusal, ...]:
        """End many, with one statement of each kind."""
        check_batch(len(message.upload_ids))
        return await self._abort(message.caller, message.upload_ids)

    async def _abort(
        self, caller: Caller, upload_ids: Sequence[UploadId]
    ) -> tuple[UploadEnded | Refusal, ...]:
        """End them, and discard the objects; what fails there the finalizer finds in the ledger."""
        stamp = Stamp(caller, self.clock.now())
        done = await self.transactions.write(
            caller, lambda tx: abort_uploads(tx, stamp, upload_ids)
        )
        if done.closed:
            unneeded = tuple(UploadId(one) for one in done.closed)
            await ask_below(self.storage, DiscardObjects(caller.tenant_id, unneeded), "storage")
        return done.outcomes

    async def _plans(
        self, tenant_id: TenantId, rows: Sequence[Row]
    ) -> tuple[UploadPlan, ...] | Unavailable:
        """Ask once for the plans of all these uploads."""
        if not rows:
            return ()
        objects = tuple(SizedObject(UploadId(row["upload_id"]), row["size"]) for row in rows)
        plans = await ask_below(self.storage, PlanObjects(tenant_id, objects), "storage")
        return plans if isinstance(plans, Unavailable) else tuple(plan_of(one) for one in plans)

    async def _continued(self, caller: Caller, upload_id: UploadId) -> Row:
        """Return an upload that its caller goes on with; a guest's lives longer by that."""
        row, stamp = await self._session(caller, upload_id), Stamp(caller, self.clock.now())
        until = self.options.lives_until(caller.principal, row["created_at"], stamp.now)
        is_late = until - row["expires_at"] > self.options.guest_ttl / 4
        if not (caller.principal.is_guest and row["state"] == "open" and is_late):
            return row
        renewed = await self.transactions.write(
            caller, lambda tx: renew_upload(tx, stamp, upload_id, until)
        )
        return renewed or await self._session(caller, upload_id)

    async def _session(self, caller: Caller, upload_id: UploadId) -> Row:
        stamp = Stamp(caller, self.clock.now())

        async def work(tx: Transaction) -> Row:
            rows = await find_uploads(tx, stamp, [upload_id])
            if upload_id not in rows:
                raise Refused(UploadNotFound())
            return rows[upload_id]

        return await self.transactions.read(caller, work)


def _state(
    row: Row,
    plan: UploadPlan,
    parts: tuple[ReceivedPart, ...] = (),
    *,
    received: bool = False,
) -> UploadState:
    return UploadState(
        upload_id=UploadId(row["upload_id"]),
        state=row["state"],
        space_id=SpaceId(row["space_id"]),
        path=row["shown_path"],
        size=row["size"],
        hash=row["hash"],
        plan=plan,
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        parts=parts,
        received=received,
    )
