"""What new spaces start with; for a tenant's admins."""

from bitvault.actors.files.contract import DropTemplate, ListTemplates, SetTemplate
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Scope
from bitvault.wire import templates as wire

routes = Routes("templates")


@routes.route("GET", "/v1/tenant/templates", {200: wire.Templates}, scope=Scope.READ)
async def get_templates(call: Call[NoBody, NoQuery]) -> Reply:
    """Tell what new spaces start with; for the tenant's admins."""
    found = await call.ask(ListTemplates(call.caller))
    by_kind = {one.kind: one.node_id for one in found}
    return Reply(200, wire.Templates(personal=by_kind.get("personal"), team=by_kind.get("team")))


@routes.route(
    "PATCH",
    "/v1/tenant/templates",
    {200: wire.Templates},
    scope=Scope.ADMIN,
    body=wire.ChangeTemplate,
)
async def change_template(call: Call[wire.ChangeTemplate, NoQuery]) -> Reply:
    """Have new spaces start with what is in a folder of at most 200 nodes; for admins.

    Restricted folders in it are left out; a space whose quota it exceeds starts empty.
    """
    kind, node_id = call.body.kind, call.body.node_id
    if node_id is None:
        await call.ask(DropTemplate(call.caller, kind))
    else:
        await call.ask(SetTemplate(call.caller, kind, NodeId(node_id)))
    return await get_templates(call)
