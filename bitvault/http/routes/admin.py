"""For a tenant's admins: what happened, and what consumers could not digest."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from bitvault.actors.audit.contract import Entry, Filter, ListEntries
from bitvault.actors.identity.contract import FindUsers
from bitvault.actors.letters.contract import ListDeadLetters, ReplayDeadLetters
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.problems import camel
from bitvault.http.routes.queries import Paged, list_reply, page_reply
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Scope
from bitvault.wire import admin as wire
from bitvault.wire.fields import Page

routes = Routes("admin")

Since = Annotated[datetime, Meta(tz=True, description="RFC 3339; included.")]
Until = Annotated[datetime, Meta(tz=True, description="RFC 3339; not included.")]


Subject = Annotated[
    wire.Subject,
    Meta(description="The first word of the entries' kind; `download`: the downloads alone."),
]
WithPlatform = Annotated[
    bool,
    Meta(description="Also what the platform does to the bytes in its store (`blob.*`)."),
]


class PagedTrail(Paged, frozen=True, kw_only=True):
    """One page of the audit trail; what is given must all be met."""

    node_id: UUID | None = None
    user_id: UUID | None = None
    since: Since | None = None
    until: Until | None = None
    subject: Subject | None = None
    platform: WithPlatform = False


class PagedLetters(Paged, frozen=True, kw_only=True):
    """One page of the dead letters."""

    consumer: wire.ConsumerName | None = None


@routes.route(
    "GET",
    "/v1/audit",
    {200: Page[wire.AuditEntry]},
    scope=Scope.ADMIN,
    query=PagedTrail,
)
async def list_audit(call: Call[NoBody, PagedTrail]) -> Reply:
    """List who did what to which node, newest first; for the tenant's admins.

    What happened to a node is also what was said of it: its grants, restrictions and links. Who was
    told where its content is has downloaded it (`node.downloaded`), a repeat within a minute is
    counted; a download is there within seconds. What the platform does to bytes is left out unless
    `platform` or `subject` asks for it.
    """
    query = call.query
    wanted = Filter(
        query.node_id, query.user_id, query.since, query.until, query.subject, query.platform
    )
    request = ListEntries(call.caller, query.cursor, query.limit, wanted)
    page = await call.ask(request)
    actors = {entry.user_id for entry in page.items if entry.user_id is not None}
    users = await call.ask(FindUsers(call.caller, tuple(sorted(actors)), deleted=True))
    logins = {user.user_id: user.login for user in users}
    items = tuple(_entry(entry, logins) for entry in page.items)
    return list_reply(items, page.next_cursor)


@routes.route(
    "GET",
    "/v1/admin/dead-letters",
    {200: Page[wire.DeadLetter]},
    scope=Scope.ADMIN,
    query=PagedLetters,
)
async def list_dead_letters(call: Call[NoBody, PagedLetters]) -> Reply:
    """List events that took no effect, by consumer and place; for the tenant's admins."""
    query = call.query
    request = ListDeadLetters(call.caller, query.consumer, query.cursor, query.limit)
    return page_reply(await call.ask(request), shapes.dead_letter)


@routes.route(
    "POST",
    "/v1/admin/dead-letters/replay",
    {200: wire.Replayed},
    scope=Scope.ADMIN,
    body=wire.ReplayDeadLetters,
    body_optional=True,
    cost=HEAVY,
)
async def replay_dead_letters(call: Call[wire.ReplayDeadLetters, NoQuery]) -> Reply:
    """Apply dead letters again, in order; repeat with nextCursor until that is null."""
    body = call.body
    request = ReplayDeadLetters(call.caller, body.consumer, body.aggregate_id, body.cursor)
    done = await call.ask(request)
    return Reply(200, shapes.replayed(done))


def _entry(value: Entry, logins: Mapping[UserId, str]) -> wire.AuditEntry:
    """Show an entry of the trail."""
    used = value.credential
    shown = used and shapes.show(wire.AuditCredential, used, id=used.credential_id)
    return shapes.show(
        wire.AuditEntry,
        value,
        id=value.event_id,
        login=None if value.user_id is None else logins.get(UserId(value.user_id)),
        by=_actor(value),
        credential=shown,
        detail={camel(name): one for name, one in value.detail.items()},
    )


def _actor(value: Entry) -> Literal["user", "link", "operator", "platform"]:
    if value.user_id is None:
        return "platform"
    if value.by_operator:
        return "operator"
    is_guest = value.credential is not None and value.credential.credential_id == value.user_id
    return "link" if is_guest else "user"
