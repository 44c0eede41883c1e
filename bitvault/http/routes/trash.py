"""The trash: list, restore, purge."""

from bitvault.actors.files.contract import Apply, IfExists, ListTrash, PurgeEntry, RestoreEntry
from bitvault.edge.admission import Audience
from bitvault.edge.services import only
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes.files import apply
from bitvault.http.routes.queries import PagedSpace, page_reply
from bitvault.kernel.ids import SpaceId
from bitvault.kernel.principal import Scope
from bitvault.wire import nodes as wire
from bitvault.wire.fields import Page

routes = Routes("trash")


@routes.route(
    "GET",
    "/v1/trash",
    {200: Page[wire.TrashEntry]},
    scope=Scope.READ,
    audience=Audience.CONFINED,
    query=PagedSpace,
)
async def list_trash(call: Call[NoBody, PagedSpace]) -> Reply:
    """List what is in the trash of a space, newest first."""
    query = call.query
    space_id = None if query.space_id is None else SpaceId(query.space_id)
    page = await call.ask(ListTrash(call.caller, space_id, query.cursor, query.limit))
    return page_reply(page, shapes.trash_entry)


@routes.route(
    "POST",
    "/v1/trash/{entryId}/restore",
    {200: wire.Written},
    scope=Scope.WRITE,
    audience=Audience.CONFINED,
    body=wire.RestoreEntry,
    body_optional=True,
)
async def restore_entry(call: Call[wire.RestoreEntry, NoQuery]) -> Reply:
    """Bring an entry back to where it was, or elsewhere."""
    body = call.body
    parent, if_exists = shapes.parent(body), IfExists(body.if_exists)
    return await apply(call, RestoreEntry(call.path["entryId"], parent, body.name, if_exists))


@routes.route(
    "DELETE",
    "/v1/trash/{entryId}",
    {204: None},
    scope=Scope.WRITE,
    audience=Audience.CONFINED,
)
async def purge_entry(call: Call[NoBody, NoQuery]) -> Reply:
    """Remove an entry for good.

    What was put in the trash by itself before its folder was has an entry of its own, and stays.
    """
    only(await call.ask(Apply(call.caller, (PurgeEntry(call.path["entryId"]),))))
    return Reply(204)
