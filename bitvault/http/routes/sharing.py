"""Who else may do what: grants, restrictions, and why somebody has access."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from bitvault.actors.files.contract import (
    DescribeDrops,
    DropFolder,
    GetNodes,
    GetSpace,
    Node,
    Space,
)
from bitvault.actors.identity.contract import FindGroups, FindUsers
from bitvault.actors.sharing.contract import (
    Change,
    ExplainAccess,
    GetGrant,
    Grant,
    Grantee,
    Granting,
    Linking,
    ListGrants,
    ListShared,
    Moving,
    PreviewAccess,
    PutGrant,
    RemoveGrant,
    Restrict,
    Restricting,
    SharedNode,
    Shares,
)
from bitvault.edge.rejections import invalid
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.routes.queries import Paged, list_reply
from bitvault.kernel.access import Role
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refusal
from bitvault.wire import sharing as wire
from bitvault.wire.fields import Page

routes = Routes("sharing")


@routes.route("GET", "/v1/files/{id}/grants", {200: wire.Shares}, scope=Scope.READ)
async def list_grants(call: Call[NoBody, NoQuery]) -> Reply:
    """List what is granted on a file or folder itself; for those who may share it."""
    return await _shares(call, await call.ask(ListGrants(call.caller, call.path["id"])))


@routes.route(
    "GET",
    "/v1/files/{id}/grants/{granteeId}",
    {200: wire.Grant},
    scope=Scope.READ,
)
async def get_grant(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe what somebody is granted on a file or folder itself; everybody may see their own."""
    request = GetGrant(call.caller, call.path["id"], call.path["granteeId"])
    return await _grant(call, await call.ask(request))


@routes.route(
    "PUT",
    "/v1/files/{id}/grants/{granteeId}",
    {200: wire.Grant},
    scope=Scope.WRITE,
    body=wire.PutGrant,
)
async def put_grant(call: Call[wire.PutGrant, NoQuery]) -> Reply:
    """Give a user, a group, or everyone in the tenant (the nil id) a role.

    It holds for the file or folder and all below it, beside what is granted elsewhere.
    """
    request = PutGrant(call.caller, call.path["id"], call.path["granteeId"], Role(call.body.role))
    return await _grant(call, await call.ask(request))


@routes.route(
    "DELETE",
    "/v1/files/{id}/grants/{granteeId}",
    {204: None},
    scope=Scope.WRITE,
)
async def remove_grant(call: Call[NoBody, NoQuery]) -> Reply:
    """Take a role back, at once; anybody may give up their own."""
    request = RemoveGrant(call.caller, call.path["id"], call.path["granteeId"])
    await call.ask(request)
    return Reply(204)


@routes.route(
    "PUT",
    "/v1/files/{id}/restriction",
    {200: wire.Shares},
    scope=Scope.WRITE,
)
async def restrict_folder(call: Call[NoBody, NoQuery]) -> Reply:
    """Have what is granted above a folder end there, but for those who may share it."""
    request = Restrict(call.caller, call.path["id"], is_restricted=True)
    return await _shares(call, await call.ask(request))


@routes.route(
    "DELETE",
    "/v1/files/{id}/restriction",
    {200: wire.Shares},
    scope=Scope.WRITE,
)
async def lift_restriction(call: Call[NoBody, NoQuery]) -> Reply:
    """Have a folder pass on again what is granted above it."""
    request = Restrict(call.caller, call.path["id"], is_restricted=False)
    return await _shares(call, await call.ask(request))


@routes.route(
    "GET",
    "/v1/files/{id}/access",
    {200: Page[wire.Holder]},
    scope=Scope.READ,
    query=Paged,
    cost=HEAVY,
)
async def explain_access(call: Call[NoBody, Paged]) -> Reply:
    """Say who has access to a file or folder, and by what; for those who may share it.

    A page may be short, or empty, and not the last.
    """
    query = call.query
    asked = ExplainAccess(call.caller, call.path["id"], query.cursor, query.limit)
    page = await call.ask(asked)
    names = await _names(call, [one.grantee for one in page.items])
    return list_reply(tuple(shapes.holder(one, names) for one in page.items), page.next_cursor)


@routes.route(
    "POST",
    "/v1/files/{id}/access/preview",
    {200: wire.AccessPreview},
    scope=Scope.READ,
    body=wire.PreviewAccess,
    cost=HEAVY,
)
async def preview_access(call: Call[wire.PreviewAccess, NoQuery]) -> Reply:
    """Say who would gain or lose access by a change, and change nothing; for those who may share.

    A role given or taken back, a link, a restriction set or lifted, or a move; for a move you have
    to be able to share the destination too.
    """
    asked = PreviewAccess(call.caller, call.path["id"], _change(call.body))
    preview = await call.ask(asked)
    names = await _names(call, [one.grantee for one in preview.shifts])
    return Reply(200, shapes.preview(preview, names))


def _change(body: wire.PreviewAccess) -> Change:
    """Read the one change that is asked about."""
    given = (body.grant, body.link, body.restricted, body.move_to)
    if len([one for one in given if one is not None]) != 1:
        raise invalid("grant", "give exactly one of grant, link, restricted and moveTo")
    if body.grant:
        role = body.grant.role
        return Granting(body.grant.grantee_id, Role(role) if role else None)
    if body.link:
        return Linking(Role(body.link))
    if body.move_to:
        to = body.move_to
        at = shapes.target(to.parent_id, to.parent_path, None, "moveTo.parentPath")
        return Moving(at.node_id, at.path)
    return Restricting(bool(body.restricted))


@routes.route(
    "GET",
    "/v1/shared",
    {200: Page[wire.SharedNode]},
    scope=Scope.READ,
    query=Paged,
)
async def list_shared(call: Call[NoBody, Paged]) -> Reply:
    """List what others shared with you, and nothing of your own.

    A page may be short where something was trashed.
    """
    page = await call.ask(ListShared(call.caller, call.query.cursor, call.query.limit))
    if not page.items:
        return list_reply((), page.next_cursor)
    ids = tuple(one.node_id for one in page.items)
    nodes = await call.ask(GetNodes(call.caller, ids))
    unseen = tuple(one for one, node in zip(ids, nodes, strict=True) if not isinstance(node, Node))
    drops = await call.ask(DescribeDrops(call.caller, unseen)) if unseen else ()
    named = {one.node_id: one.name for one in drops if isinstance(one, DropFolder)}
    givers = tuple({one.granted_by for one in page.items if one.granted_by})
    users = await call.ask(FindUsers(call.caller, givers))
    logins = {user.user_id: user.login for user in users}
    own = await call.answer(GetSpace(call.caller))
    found = (
        _shared(one, node, named.get(one.node_id), logins)
        for one, node in zip(page.items, nodes, strict=True)
        if not _is_in(own, node)
    )
    return list_reply(tuple(one for one in found if one), page.next_cursor)


def _is_in(space: Space | Refusal, node: Node | Refusal) -> bool:
    if isinstance(space, Refusal) or isinstance(node, Refusal):
        return False
    return node.space_id == space.space_id


def _shared(
    one: SharedNode, node: Node | Refusal, name: str | None, logins: Mapping[UserId, str]
) -> wire.SharedNode | None:
    """Show what was shared; None for what is not there any more."""
    shown = shapes.node(node) if isinstance(node, Node) else None
    label = shown.name if shown else name
    if label is None:
        return None
    giver = logins.get(one.granted_by) if one.granted_by else None
    return wire.SharedNode(
        id=one.node_id, name=label, node=shown, role=one.role.value, shared_by=giver
    )


async def _grant(call: Call[Any, NoQuery], grant: Grant) -> Reply:
    names = await _names(call, [grant.grantee])
    shown = shapes.grant(grant, names)
    return Reply(200, shown, {"ETag": shown.etag})


async def _shares(call: Call[NoBody, NoQuery], shares: Shares) -> Reply:
    names = await _names(call, [grant.grantee for grant in shares.grants])
    grants = [shapes.grant(one, names) for one in shares.grants]
    return Reply(200, wire.Shares(grants=grants, restricted=shares.is_restricted))


async def _names(call: Call[Any, Any], grantees: Iterable[Grantee]) -> Mapping[UUID, str]:
    """Ask what people and groups are called; who is gone has no name any more."""
    ids = _by_kind(grantees)
    names: dict[UUID, str] = {}
    if wanted := ids.get("user"):
        users = await call.ask(FindUsers(call.caller, tuple(wanted)))
        names |= {one.user_id: one.login for one in users}
    if wanted := ids.get("group"):
        groups = await call.ask(FindGroups(call.caller, tuple(wanted)))
        names |= {one.group_id: one.name for one in groups}
    return names


def _by_kind(grantees: Iterable[Grantee]) -> Mapping[str, Sequence[UUID]]:
    found: dict[str, list[UUID]] = {}
    for one in grantees:
        found.setdefault(one.kind.value, []).append(one.grantee_id)
    return found
