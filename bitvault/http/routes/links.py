"""Links, for those who make them and for the guests who come with one."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET

from bitvault.actors.files.contract import GetNode, GetNodes, Node
from bitvault.actors.sharing.contract import (
    ChangeLink,
    CreateLink,
    DeleteLink,
    DescribeOwnLink,
    GetLink,
    Link,
    LinkTerms,
    ListLinks,
    OpenLink,
    RequestTerms,
)
from bitvault.edge.admission import Audience
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.preconditions import single_revision
from bitvault.http.routes.queries import Paged, list_reply
from bitvault.kernel.access import Role
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refused
from bitvault.wire import sharing as wire
from bitvault.wire.fields import Page

routes = Routes("links")


@routes.route(
    "POST",
    "/v1/files/{id}/links",
    {201: wire.LinkCreated},
    scope=Scope.WRITE,
    body=wire.CreateLink,
    body_optional=True,
    cost=HEAVY,
    is_hashing=True,
)
async def create_link(call: Call[wire.CreateLink, NoQuery]) -> Reply:
    """Make a link to a file or folder; its token is shown only in this answer.

    One of the role uploader is a file request: whoever has it puts files into the folder, and sees
    nothing of what is there.
    """
    body = call.body
    terms = LinkTerms(
        Role(body.role),
        body.label,
        body.password,
        body.expires_at,
        body.max_downloads,
        _asked(body.request) if body.request else None,
    )
    issued = await call.ask(CreateLink(call.caller, call.path["id"], terms))
    return Reply(201, shapes.issued(issued, await _led_to(call, issued.link)))


@routes.route(
    "GET",
    "/v1/files/{id}/links",
    {200: Page[wire.Link]},
    scope=Scope.READ,
    query=Paged,
)
async def list_node_links(call: Call[NoBody, Paged]) -> Reply:
    """List the links to a file or folder; for those who may share it."""
    query, node_id = call.query, call.path["id"]
    request = ListLinks(call.caller, node_id, query.cursor, query.limit)
    return await _listed(call, request)


@routes.route("GET", "/v1/links", {200: Page[wire.Link]}, scope=Scope.READ, query=Paged)
async def list_links(call: Call[NoBody, Paged]) -> Reply:
    """List the links you made."""
    query = call.query
    request = ListLinks(call.caller, None, query.cursor, query.limit)
    return await _listed(call, request)


@routes.route(
    "GET",
    "/v1/links/{id}",
    {200: wire.Link},
    scope=Scope.READ,
)
async def get_link(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe a link; for those who may share its file or folder."""
    return await _reply(call, await call.ask(GetLink(call.caller, call.path["id"])))


@routes.route(
    "PATCH",
    "/v1/links/{id}",
    {200: wire.Link},
    scope=Scope.WRITE,
    body=wire.ChangeLink,
    if_match=True,
    cost=HEAVY,
    is_hashing=True,
)
async def change_link(call: Call[wire.ChangeLink, NoQuery]) -> Reply:
    """Change a link's terms, revoke it, or make it valid again; its token stays."""
    link_id, body = call.path["id"], call.body
    before = await call.ask(GetLink(call.caller, link_id))
    expected = single_revision(call)
    request = ChangeLink(
        call.caller,
        link_id,
        terms=_terms(before, body),
        keeps_password=body.password is UNSET,
        is_revoked=before.is_revoked if body.revoked is UNSET else body.revoked,
        if_revision=before.revision if expected is None else expected,
    )
    return await _reply(call, await call.ask(request))


@routes.route(
    "DELETE",
    "/v1/links/{id}",
    {204: None},
    scope=Scope.WRITE,
)
async def delete_link(call: Call[NoBody, NoQuery]) -> Reply:
    """Delete a link, at once; to keep it for later, revoke it."""
    await call.ask(DeleteLink(call.caller, call.path["id"]))
    return Reply(204)


@routes.route(
    "GET",
    "/v1/link",
    {200: wire.GuestLink},
    scope=Scope.READ,
    audience=Audience.GUESTS,
    asks=(OpenLink,),
)
async def describe_own_link(call: Call[NoBody, NoQuery]) -> Reply:
    """Say what the link leads to that you came with.

    A link's token is a bearer token; with a password it is Basic authentication, TOKEN:PASSWORD.
    """
    link = await call.ask(DescribeOwnLink(call.caller))
    drop, shown_node = call.caller.principal.drop, None
    if drop is None:
        node = await call.ask(GetNode(call.caller, shapes.at(link.node_id)))
        shown_node = shapes.node(node)
    left = None if link.max_downloads is None else link.max_downloads - link.downloads
    shown = wire.GuestLink(
        node=shown_node,
        request=_opened(call, link, link.request) if link.request else None,
        role=link.role.value,  # type: ignore[arg-type]  # no link is a manager
        label=link.label,
        expires_at=link.expires_at,
        downloads_left=left,
    )
    return Reply(200, shown)


def _asked(body: wire.FileRequest) -> RequestTerms:
    return RequestTerms(body.message, body.max_files, body.max_size, body.extensions)


def _opened(call: Call[NoBody, NoQuery], link: Link, asked: RequestTerms) -> wire.OpenRequest:
    return wire.OpenRequest(
        node_id=link.node_id,
        message=asked.message,
        max_size=asked.max_size,
        extensions=asked.extensions,
        is_closed=link.expires_at is not None and link.expires_at <= call.edge.clock.now(),
    )


def _terms(before: Link, body: wire.ChangeLink) -> LinkTerms:
    def kept(given: Any, present: Any) -> Any:
        return present if given is UNSET else given

    return LinkTerms(
        role=Role(kept(body.role, before.role.value)),
        label=kept(body.label, before.label),
        password=kept(body.password, None),
        expires_at=kept(body.expires_at, before.expires_at),
        max_downloads=kept(body.max_downloads, before.max_downloads),
        request=before.request if body.request is UNSET else _asked(body.request),
    )


async def _listed(call: Call[NoBody, Paged], request: ListLinks) -> Reply:
    page = await call.ask(request)
    nodes = await _nodes(call, page.items)
    shown = tuple(shapes.link(one, nodes.get(one.node_id)) for one in page.items)
    return list_reply(shown, page.next_cursor)


async def _reply(call: Call[Any, NoQuery], link: Link) -> Reply:
    return Reply(200, shapes.link(link, await _led_to(call, link)))


async def _led_to(call: Call[Any, NoQuery], link: Link) -> Node | None:
    try:
        return (await _nodes(call, [link])).get(link.node_id)
    except Refused:
        return None  # that it was made or changed is told, whatever has become of the rest


async def _nodes(call: Call[Any, Any], links: Sequence[Link]) -> Mapping[UUID, Node]:
    """Return what links lead to, as far as the caller may see it."""
    ids = tuple(dict.fromkeys(one.node_id for one in links))
    found = await call.ask(GetNodes(call.caller, ids)) if ids else ()
    return {one.node_id: one for one in found if isinstance(one, Node)}
