"""Folders: create, and list their children."""

from bitvault.actors.files.contract import ListChildren, MakeFolder, Target
from bitvault.edge.admission import Audience
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes.files import apply
from bitvault.http.routes.queries import Paged, PagedPath, page_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import nodes as wire
from bitvault.wire.fields import Page

routes = Routes("folders")


@routes.route(
    "POST",
    "/v1/folders",
    {201: wire.Written, 200: wire.Written},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
    body=wire.MakeFolder,
)
async def make_folder(call: Call[wire.MakeFolder, NoQuery]) -> Reply:
    """Create a folder; with existOk an existing one is answered with 200."""
    operation = folder_of(call.body)
    answer = await apply(call, operation, 201)
    if isinstance(answer, Reply) and isinstance(answer.shape, wire.Written):
        existed = answer.shape.event_id is None
        return Reply(200 if existed else 201, answer.shape, answer.headers)
    return answer


@routes.route(
    "GET",
    "/v1/folders/{id}/children",
    {200: Page[wire.Node]},
    scope=Scope.READ,
    audience=Audience.GUESTS,
    query=Paged,
)
async def list_children(call: Call[NoBody, Paged]) -> Reply:
    """List a folder's children by name."""
    return await _children(call, shapes.at(call.path["id"]), call.query)


@routes.route(
    "GET",
    "/v1/folders/children",
    {200: Page[wire.Node]},
    scope=Scope.READ,
    audience=Audience.GUESTS,
    query=PagedPath,
)
async def list_children_by_path(call: Call[NoBody, PagedPath]) -> Reply:
    """List the children of the folder at a path, by name."""
    at = shapes.target(None, call.query.path, call.query.space_id)
    return await _children(call, at, call.query)


def folder_of(body: wire.MakeFolder) -> MakeFolder:
    """Read what to create."""
    return MakeFolder(parents=body.parents, exist_ok=body.exist_ok, **shapes.place(body))


async def _children(call: Call[object, object], at: Target, query: Paged) -> Reply:
    page = await call.ask(ListChildren(call.caller, at, query.cursor, query.limit))
    return page_reply(page, shapes.node)
