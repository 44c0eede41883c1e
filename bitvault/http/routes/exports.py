"""A tenant's data, page by page, for whoever takes it along; for the operators of the platform."""

from collections.abc import Mapping, Sequence
from typing import Any

from bitvault.actors.audit.contract import Download, RecordDownloads
from bitvault.actors.identity.contract import BeginExport
from bitvault.http.call import Answer, Call, Reply
from bitvault.http.endpoint import HEAVY, NoQuery, Routes
from bitvault.http.problems import camel
from bitvault.kernel.export import ExportRecords, Key
from bitvault.kernel.ids import TenantId
from bitvault.kernel.paging import NOT_OF_THIS_LIST, decode_cursor, encode_cursor, id_in
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refusal, Refused
from bitvault.wire import admin as wire
from bitvault.wire.fields import Page

routes = Routes("exports")
_ROOMS = {
    "user": "identity",
    "group": "identity",
    "membership": "identity",
    "space": "files",
    "space_member": "files",
    "node": "files",
    "version": "files",
    "trash_entry": "files",
    "grant": "sharing",
    "link": "sharing",
    "audit_entry": "audit",
    "download": "audit",
}
"""Which room has the records of a kind, in the order in which they are told."""
_KINDS = tuple(_ROOMS)
_LIST = ("export",)
_KEYS: Mapping[str, tuple[type, ...]] = {
    "membership": (str, str),
    "space_member": (str, str),
    "version": (str, int),
    "grant": (str, str),
    "audit_entry": (int,),
}
"""The types of a kind's key, where that is not one id; a text is always an id."""


@routes.route(
    "POST",
    "/v1/admin/tenants/{id}/export",
    {200: Page[wire.ExportedRecord]},
    scope=Scope.ADMIN,
    body=wire.ExportTenant,
    body_optional=True,
    codes=("invalid", "forbidden", "tenant_not_found", "tenant_not_suspended"),
    cost=HEAVY,
    when_full=True,
)
async def export_tenant(call: Call[wire.ExportTenant, NoQuery]) -> Answer:
    """Tell all of a suspended tenant: its records, and where the bytes are; for operators.

    Repeat with nextCursor until that is null. Each version has a presigned GET for its bytes. A
    page may be empty and not the last. That it is told is in the tenant's own trail, once an hour,
    and so is each version as a download.
    """
    body, tenant_id = call.body, call.path["id"]
    try:
        kind, after = _place(body.cursor)
    except Refused as refused:
        return refused.refusal
    begun = await call.identity.ask(BeginExport(call.caller, tenant_id))
    if isinstance(begun, Refusal):
        return begun
    room = getattr(call.edge.rooms, _ROOMS[kind])
    found = await room.ask(ExportRecords(call.caller, tenant_id, kind, after, body.limit))
    if isinstance(found, Refusal):
        return found
    if kind == "version" and (untold := await _told(call, tenant_id, found.records)):
        return untold
    records = tuple(wire.ExportedRecord(kind=kind, record=_shown(one)) for one in found.records)
    return Reply(200, Page(items=records, next_cursor=_next(kind, found.last)))


async def _told(
    call: Call[Any, Any], tenant_id: TenantId, versions: Sequence[Mapping[str, Any]]
) -> Refusal | None:
    """Record in the trail of the tenant that its content was handed to an operator."""
    if not versions:
        return None
    what = tuple(Download(one["node_id"], one["version"], one["size"]) for one in versions)
    return await call.edge.rooms.audit.ask(RecordDownloads(call.caller, what, tenant_id))


def _place(cursor: str | None) -> tuple[str, Key | None]:
    """Return which kind is told, and after which key.

    Raises:
        Refused: ``Invalid`` naming the cursor.
    """
    if cursor is None:
        return _KINDS[0], None
    for kind in _KINDS:
        for kinds in ((str,), (str, *_KEYS.get(kind, (str,)))):
            try:
                found, *after = decode_cursor(cursor, kinds, _LIST)
            except Refused:
                continue
            if found == kind:
                return kind, [id_in(one) if isinstance(one, str) else one for one in after] or None
    raise Refused(NOT_OF_THIS_LIST)


def _next(kind: str, last: Key | None) -> str | None:
    if last is not None:
        return encode_cursor(
            [kind, *(one if isinstance(one, int) else str(one) for one in last)], _LIST
        )
    rest = _KINDS[_KINDS.index(kind) + 1 :]
    return encode_cursor([rest[0]], _LIST) if rest else None


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in record.items()}
