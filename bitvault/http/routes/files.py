"""Files and folders: look, change, fetch content, versions."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from bitvault.actors.files.contract import (
    Apply,
    ContentDraft,
    CopyNode,
    GetNode,
    IfExists,
    ListVersions,
    MoveNode,
    Node,
    Operation,
    RestoreVersion,
    TrashNode,
    Written,
)
from bitvault.edge.admission import Audience
from bitvault.edge.contents import hand_out
from bitvault.edge.rejections import invalid
from bitvault.edge.services import only
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.preconditions import expected_revision
from bitvault.http.routes.queries import Paged, page_reply, tagged_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import nodes as wire
from bitvault.wire.fields import Page, Path, VersionNumber
from bitvault.wire.problems import Outcomes

routes = Routes("files")


class ByPath(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A node by path."""

    path: Path
    space_id: UUID | None = None


class Removal(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whether it is only asked about."""

    dry_run: Annotated[
        bool, Meta(description="Refuse as the removal would, or answer the node; change nothing.")
    ] = False


class Fetch(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which content, and how it is answered."""

    version: VersionNumber | None = None
    redirect: Annotated[bool, Meta(description="Answer 302 instead of JSON.")] = False
    inline: Annotated[bool, Meta(description="To show, not to save; harmless types only.")] = False


@routes.route(
    "GET",
    "/v1/files",
    {200: wire.Node},
    scope=Scope.READ,
    audience=Audience.GUESTS,
    query=ByPath,
)
async def get_node_by_path(call: Call[NoBody, ByPath]) -> Reply:
    """Describe the file or folder at a path."""
    at = shapes.target(None, call.query.path, call.query.space_id)
    return _described(await call.ask(GetNode(call.caller, at)))


@routes.route(
    "GET",
    "/v1/files/{id}",
    {200: wire.Node},
    scope=Scope.READ,
    audience=Audience.GUESTS,
)
async def get_node(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe a file or folder."""
    node = await call.ask(GetNode(call.caller, shapes.at(call.path["id"])))
    return _described(node)


@routes.route(
    "PATCH",
    "/v1/files/{id}",
    {200: wire.Written},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
    body=wire.MoveNode,
    if_match=True,
)
async def move_node(call: Call[wire.MoveNode, NoQuery]) -> Reply:
    """Rename and/or move a file or folder."""
    at, body = shapes.at(call.path["id"]), call.body
    parent = shapes.parent(body)
    if parent is None and body.name is None:
        raise invalid("name", "give a name, or a parentId or parentPath")
    revision = await expected_revision(call, at)
    return await apply(call, MoveNode(at, parent, body.name, IfExists(body.if_exists), revision))


@routes.route(
    "POST",
    "/v1/files/{id}/copy",
    {201: wire.Written},
    scope=Scope.WRITE,
    audience=Audience.CONFINED,
    body=wire.CopyNode,
    cost=HEAVY,
)
async def copy_node(call: Call[wire.CopyNode, NoQuery]) -> Reply:
    """Copy a file or a subtree; no bytes move."""
    body = call.body
    parent = shapes.target(body.parent_id, body.parent_path, None, "parentPath")
    at = shapes.at(call.path["id"])
    return await apply(call, CopyNode(at, parent, body.name, IfExists(body.if_exists)), 201)


@routes.route(
    "DELETE",
    "/v1/files/{id}",
    {200: wire.Written},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
    query=Removal,
    if_match=True,
)
async def trash_node(call: Call[NoBody, Removal]) -> Reply:
    """Put a file or folder in the trash.

    A folder with a restricted one in it that is not the caller's to change is refused.
    """
    at = shapes.at(call.path["id"])
    revision = await expected_revision(call, at)
    return await apply(call, TrashNode(at, revision), is_dry=call.query.dry_run)


@routes.route(
    "GET",
    "/v1/files/{id}/content",
    {200: wire.Content, 302: None},
    scope=Scope.READ,
    audience=Audience.GUESTS,
    query=Fetch,
)
async def get_content(call: Call[NoBody, Fetch]) -> Reply:
    """Get a short-lived URL of the content, or be redirected to it."""
    at, query = shapes.at(call.path["id"]), call.query
    draft = ContentDraft(at, query.version, query.inline)
    found = only(await hand_out(call.edge.services, call.caller, (draft,)))
    private = {"Cache-Control": "private, no-store", "Vary": "Accept"}
    if query.redirect or _wants_page(call.headers.get("Accept", "")):
        return Reply(302, None, {**private, "Location": found.url})
    return Reply(200, shapes.content(found), private)


@routes.route(
    "POST",
    "/v1/files/content",
    {200: Outcomes[wire.Content]},
    scope=Scope.READ,
    audience=Audience.GUESTS,
    body=wire.ContentsWanted,
    items=lambda body: len(body.items),
    allowed_when_disk_full=True,
)
async def get_contents(call: Call[wire.ContentsWanted, NoQuery]) -> Reply:
    """Get short-lived URLs of up to 1000 files."""
    drafts = tuple(
        ContentDraft(shapes.target(i.id, i.path, i.space_id), i.version, i.inline)
        for i in call.body.items
    )
    found = await hand_out(call.edge.services, call.caller, drafts)
    private = {"Cache-Control": "private, no-store"}
    return Reply(200, call.outcomes(found, shapes.content), private)


@routes.route(
    "GET",
    "/v1/files/{id}/versions",
    {200: Page[wire.Version]},
    scope=Scope.READ,
    audience=Audience.CONFINED,
    query=Paged,
)
async def list_versions(call: Call[NoBody, Paged]) -> Reply:
    """List a file's versions, newest first."""
    at, query = shapes.at(call.path["id"]), call.query
    page = await call.ask(ListVersions(call.caller, at, query.cursor, query.limit))
    return page_reply(page, shapes.version)


@routes.route(
    "POST",
    "/v1/files/{id}/versions/{n}/restore",
    {200: wire.Written},
    scope=Scope.WRITE,
    audience=Audience.CONFINED,
    if_match=True,
)
async def restore_version(call: Call[NoBody, NoQuery]) -> Reply:
    """Make an older version's content current again, as a new version."""
    at = shapes.at(call.path["id"])
    revision = await expected_revision(call, at)
    return await apply(call, RestoreVersion(at, call.path["n"], revision))


async def apply(
    call: Call[object, object], operation: Operation, status: int = 200, *, is_dry: bool = False
) -> Reply:
    """Apply one operation and answer what it did, or would do."""
    outcomes = await call.ask(Apply(call.caller, (operation,), is_dry))
    return written(only(outcomes), status)


def written(done: Written, status: int = 200) -> Reply:
    """Answer what a write did, with the node's tag."""
    shown = shapes.written(done)
    return Reply(status, shown, {"ETag": shown.node.etag})


def _described(node: Node) -> Reply:
    return tagged_reply(node, shapes.node)


def _wants_page(accept: str) -> bool:
    """Say whether a browser asks: it lists text/html, and no JSON before it."""
    html, found, _ = accept.partition("text/html")
    return bool(found) and "json" not in html
