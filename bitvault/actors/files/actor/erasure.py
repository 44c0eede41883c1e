"""Spaces, nodes, versions and uploads go with their tenant, and can be taken along."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from attrs import define

from bitvault.actors.files.store.erasing import erase_some, has_blobs
from bitvault.actors.room import ask_below, export_slice
from bitvault.actors.storage.contract import DownloadDraft, SignDownloads, Transfer
from bitvault.drivers.postgres.port import Database, Transaction, load_queries
from bitvault.kernel.clock import Clock
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.export import Exported, ExportRecords
from bitvault.kernel.refusal import Refused, Unavailable
from supervisors import Ref, handles

_EXPORT = load_queries("bitvault.actors.files.store", "export.sql")
_LEAST = UUID(int=0)
_BYTES = "application/octet-stream"
_KEYS: Mapping[str, Mapping[str, Any]] = {
    "space": {"space_id": _LEAST},
    "space_member": {"space_id": _LEAST, "user_id": _LEAST},
    "node": {"node_id": _LEAST},
    "version": {"node_id": _LEAST, "version": 0},
    "trash_entry": {"entry_id": _LEAST},
}


@define(eq=False)
class TenantErasure:
    """What the finalizer asks for, and an operator who exports a tenant."""

    database: Database
    storage: Ref
    clock: Clock

    @handles(EraseTenant)
    async def erase_tenant(self, message: EraseTenant) -> Erased:
        """Delete rows; it is done when the collector has handed over the content, too."""
        tenant_id, limit, now = message.tenant_id, message.limit, self.clock.now()

        async def work(tx: Transaction) -> Erased:
            gone = await erase_some(tx, tenant_id, now, limit)
            return Erased(gone, gone < limit and not await has_blobs(tx, tenant_id))

        return await self.database.transact(tenant_id, work)

    @handles(ExportRecords)
    async def export_records(self, request: ExportRecords) -> Exported:
        """Tell spaces, nodes, versions (with where their bytes are to be had), or the trash."""
        kind = request.kind
        found = await export_slice(self.database, _EXPORT[kind], _KEYS[kind], request)
        return await self._with_bytes(request, found) if kind == "version" else found

    async def _with_bytes(self, request: ExportRecords, found: Exported) -> Exported:
        """Have storage sign a download of each version, in place of its object's key."""
        drafts = tuple(
            DownloadDraft(one["object_key"], f"{one['node_id']}-{one['version']}", _BYTES)
            for one in found.records
        )
        signed: tuple[Transfer, ...] | Unavailable = ()
        if drafts:
            signed = await ask_below(
                self.storage, SignDownloads(request.tenant_id, drafts), "storage"
            )
        if isinstance(signed, Unavailable):
            raise Refused(signed)
        return Exported(
            tuple(_with(one, step) for one, step in zip(found.records, signed, strict=True)),
            found.last,
        )


def _with(record: Mapping[str, Any], step: Transfer) -> Mapping[str, Any]:
    shown = {name: value for name, value in record.items() if name != "object_key"}
    content = {
        "method": step.method,
        "url": step.url,
        "headers": dict(step.headers),
        "expiresAt": step.expires_at,
    }
    return {**shown, "content": content}
