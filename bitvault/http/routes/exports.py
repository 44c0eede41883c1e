"""A tenant's data, page by page, for whoever takes it along; for the operators of the platform."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from bitvault.actors.audit.contract import Download, RecordDownloads
from bitvault.actors.identity.contract import BeginExport
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoQuery, Routes
from bitvault.http.problems import camel
from bitvault.kernel.export import ExportKind, ExportRecords, Key
from bitvault.kernel.ids import TenantId
from bitvault.kernel.paging import NOT_OF_THIS_LIST, decode_cursor, encode_cursor, id_in
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refused
from bitvault.wire import admin as wire
from bitvault.wire.fields import Page

routes = Routes("exports")
_LIST = ("export",)


@routes.route(
    "POST",
    "/v1/admin/tenants/{id}/export",
    {200: Page[wire.ExportedRecord]},
    scope=Scope.ADMIN,
    body=wire.ExportTenant,
    body_optional=True,
    cost=HEAVY,
    allowed_when_disk_full=True,
)
async def export_tenant(call: Call[wire.ExportTenant, NoQuery]) -> Reply:
    """Tell all of a suspended tenant: its records, and where the bytes are; for operators.

    Repeat with nextCursor until that is null. Each version has a presigned GET for its bytes. A
    page may be empty and not the last. That it is told is in the tenant's own trail, once an hour,
    and so is each version as a download.
    """
    body, tenant_id = call.body, call.path["id"]
    kinds = tuple(call.edge.services.exports)
    kind, after = _place(kinds, body.cursor)
    await call.ask(BeginExport(call.caller, tenant_id))
    request = ExportRecords(call.caller, tenant_id, kind.name, after, body.limit)
    found = await call.edge.services.export(kind, request)
    if kind.name == "version":
        await _tell(call, tenant_id, found.records)
    records = tuple(
        wire.ExportedRecord(kind=kind.name, record=_shown(one)) for one in found.records
    )
    return Reply(200, Page(items=records, next_cursor=_next(kinds, kind, found.last)))


async def _tell(
    call: Call[Any, Any], tenant_id: TenantId, versions: Sequence[Mapping[str, Any]]
) -> None:
    """Record in the trail of the tenant that its content was handed to an operator."""
    if versions:
        what = tuple(
            Download(UUID(one["node_id"]), one["version"], one["size"]) for one in versions
        )
        await call.ask(RecordDownloads(call.caller, what, tenant_id))


def _place(kinds: Sequence[ExportKind], cursor: str | None) -> tuple[ExportKind, Key | None]:
    """Return which kind is told, and after which key.

    Raises:
        Refused: ``Invalid`` naming the cursor.
    """
    if cursor is None:
        return kinds[0], None
    for kind in kinds:
        for types in ((str,), (str, *kind.key)):
            try:
                found, *after = decode_cursor(cursor, types, _LIST)
            except Refused:
                continue
            if found == kind.name:
                return kind, [id_in(one) if isinstance(one, str) else one for one in after] or None
    raise Refused(NOT_OF_THIS_LIST)


def _next(kinds: Sequence[ExportKind], kind: ExportKind, last: Key | None) -> str | None:
    if last is not None:
        return encode_cursor(
            [kind.name, *(one if isinstance(one, int) else str(one) for one in last)], _LIST
        )
    rest = kinds[kinds.index(kind) + 1 :]
    return encode_cursor([rest[0].name], _LIST) if rest else None


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in record.items()}
