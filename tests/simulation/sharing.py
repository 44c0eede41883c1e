"""What clients say about who may do what, and what they and guests then see of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import trio
from attrs import define, field, frozen

from bitvault.actors.files.contract import GetNode, GetNodes, ListChildren, Node, Target
from bitvault.actors.identity.contract import (
    AddMember,
    ChangeUser,
    CreateGroup,
    DescribeMe,
    FindGroups,
    Group,
    OpenSession,
    RemoveMember,
    SecretIssued,
    Unauthenticated,
)
from bitvault.actors.sharing.contract import (
    ChangeLink,
    CheckAccess,
    CreateLink,
    ExplainAccess,
    LinkIssued,
    LinkTerms,
    ListShared,
    OpenLink,
    PutGrant,
    RemoveGrant,
    Restrict,
)
from bitvault.kernel.access import EVERYONE, RIGHTS, Right, Role
from bitvault.kernel.ids import GroupId, NodeId, UserId
from bitvault.kernel.paging import MAX_LIMIT, Page
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Refusal
from tests.simulation.client import Client
from tests.simulation.plans import Op

GROUP = "staff"
_RANKS = {
    RIGHTS[role]: rank for rank, role in enumerate((Role.VIEWER, Role.EDITOR, Role.MANAGER), 1)
}


@define
class Act:
    """Something that was said about who may do what, and what it was answered."""

    kind: str
    request: str
    who: UUID
    node: UUID
    grantee: UUID
    """Of a link its id."""
    rank: str
    lo: int
    hi: int = 0
    began: float = field(factory=trio.current_time)
    ended: float = 0.0
    code: str = ""
    """Of the refusal; empty when it was done."""
    interrupted: bool = False
    session: int = 0
    """The journal's last seq before the session in use was opened."""


@frozen
class Look:
    """What somebody saw of a node: a guest is known by the link, and comes without a session."""

    kind: str
    request: str
    who: UUID
    node: UUID
    answer: Any
    lo: int
    hi: int
    began: float
    session: tuple[int, int] = (0, 0)
    """The journal's last seq before and after the session in use was opened."""


@define(eq=False)
class Said:
    """What is known of a tenant's sharing outside the daemon."""

    admin: UUID = EVERYONE
    people: dict[str, UUID] = field(factory=dict)
    group: UUID = EVERYONE
    links: list[tuple[UUID, str, UUID]] = field(factory=list)
    """Ids, tokens, and who made them."""
    acts: list[Act] = field(factory=list)
    looks: list[Look] = field(factory=list)


def said_in(client: Client) -> Said:
    """Return what is known of the client's tenant."""
    said: Said = client.common.said.setdefault(client.tenant, Said())
    return said


def _nodes(client: Client) -> list[UUID]:
    return list(dict.fromkeys(client.common.nodes.get(client.tenant, ())))


# Acts


async def _act(client: Client, op: Op, request: str) -> None:
    said = said_in(client)
    grantee = _grantee(said, op)
    nodes = [said.group] if op.kind in ("join", "leave") else _nodes(client)
    if not nodes or grantee is None:
        return
    room, build = _ACTS[op.kind]
    me, now = said.people[client.account.login], client.common.last_seq(client.tenant)
    node = nodes[int(op.path) % len(nodes)]
    if op.kind in _UNDOES and not op.to:
        done = [one for one in said.acts if one.kind == _UNDOES[op.kind] and one.hi]
        if not done:
            return
        node, grantee = done[int(op.path) % len(done)].node, done[int(op.path) % len(done)].grantee
    act = Act(op.kind, request, me, node, grantee, op.name, now)
    act.session = client.session[0]
    said.acts.append(act)
    reply = await client.ask(room, lambda who: build(client.caller(who, request), act), act)
    act.hi, act.ended = client.common.last_seq(client.tenant), trio.current_time()
    act.code = reply.code if isinstance(reply, Refusal) else ""
    if isinstance(reply, LinkIssued):
        said.links.append((reply.link.link_id, reply.token, me))
    lost = ", after a lost answer" if act.interrupted else ""
    client.world.saw(f"{op.kind}: {act.code or 'done'}{lost}")


_UNDOES = {"unshare": "share", "lift": "restrict"}
"""What takes back something that was said before, where the plan does not say what."""


def _grantee(said: Said, op: Op) -> UUID | None:
    """Return whom a plan means, or which link; None while there is no such one."""
    if op.kind in ("cut", "revive"):
        return said.links[int(op.path) % len(said.links)][0] if said.links else None
    if op.to in ("", "everyone"):
        return EVERYONE
    return said.group if op.to == GROUP else said.people.get(op.to)


_ACTS: Mapping[str, tuple[str, Callable[[Caller, Act], Any]]] = {
    "share": ("sharing", lambda c, a: PutGrant(c, NodeId(a.node), a.grantee, Role(a.rank))),
    "unshare": ("sharing", lambda c, a: RemoveGrant(c, NodeId(a.node), a.grantee)),
    "restrict": ("sharing", lambda c, a: Restrict(c, NodeId(a.node), is_restricted=True)),
    "lift": ("sharing", lambda c, a: Restrict(c, NodeId(a.node), is_restricted=False)),
    "link": ("sharing", lambda c, a: CreateLink(c, NodeId(a.node), LinkTerms(Role(a.rank)))),
    "cut": ("sharing", lambda c, a: _change_link(c, a, is_revoked=True)),
    "revive": ("sharing", lambda c, a: _change_link(c, a, is_revoked=False)),
    "join": ("identity", lambda c, a: AddMember(c, GroupId(a.node), UserId(a.grantee))),
    "leave": ("identity", lambda c, a: RemoveMember(c, GroupId(a.node), UserId(a.grantee))),
    "disable": ("identity", lambda c, a: ChangeUser(c, UserId(a.grantee), is_disabled=True)),
    "enable": ("identity", lambda c, a: ChangeUser(c, UserId(a.grantee), is_disabled=False)),
}


def _change_link(caller: Caller, act: Act, *, is_revoked: bool) -> ChangeLink:
    return ChangeLink(caller, act.grantee, LinkTerms(Role(act.rank)), True, is_revoked)


async def _make_group(client: Client, _: Op, request: str) -> None:
    """Make the tenant's group; a repeat may find that it is there."""
    made = await client.ask("identity", lambda who: CreateGroup(client.caller(who, request), GROUP))
    if not isinstance(made, Group):
        (made,) = await client.ask(
            "identity", lambda who: FindGroups(client.caller(who, request), names=(GROUP,))
        )
    said_in(client).group = made.group_id


# Looks


@frozen
class _Looking:
    """A look that has begun: the journal's end, and the time."""

    client: Client
    request: str
    who: UUID
    lo: int
    began: float

    @classmethod
    def begin(cls, client: Client, request: str, who: UUID) -> "_Looking":
        """Note when it begins."""
        return cls(client, request, who, client.common.last_seq(client.tenant), trio.current_time())

    def end(self, kind: str, node: UUID, answer: Any) -> None:
        """Write down what was seen."""
        client = self.client
        hi = client.common.last_seq(client.tenant)
        look = Look(
            kind, self.request, self.who, node, answer, self.lo, hi, self.began, client.session
        )
        said_in(client).looks.append(look)
        if isinstance(answer, bool | str):
            client.world.saw(f"{kind}: {answer}")


async def _look(client: Client, op: Op, request: str) -> None:
    """Describe a node and check what may be done to it; who is shut out tries to log in again."""
    said, nodes = said_in(client), _nodes(client)
    if not nodes:
        return
    node = nodes[int(op.path) % len(nodes)]
    me = said.people[client.account.login]
    looking = _Looking.begin(client, request, me)
    target = Target(node_id=NodeId(node))
    reply = await client.ask("files", lambda who: GetNode(client.caller(who, request), target))
    if isinstance(reply, Unauthenticated):
        looking.end("shut out", node, "session")
        await _come_back(client, request)
        return
    looking.end("see", node, isinstance(reply, Node))
    looking = _Looking.begin(client, request, me)
    check = await client.ask(
        "sharing", lambda who: CheckAccess(client.caller(who, request), NodeId(node), Right.READ)
    )
    if not isinstance(check, Unauthenticated):
        looking.end("check", node, _rank(check))


def _rank(check: Any) -> int:
    return 0 if isinstance(check, Refusal) else _RANKS.get(check.rights, -1)


async def _come_back(client: Client, request: str) -> bool:
    """Log in anew; False for who is disabled."""
    account, me = client.account, said_in(client).people[client.account.login]
    looking = _Looking.begin(client, request, me)
    asked = OpenSession(account.tenant, account.login, account.password, Origin("login"))
    reply = await client.ask_open("identity", asked)
    if not isinstance(reply, SecretIssued):
        looking.end("shut out", EVERYONE, "login")
        return False
    looking.end("logged in", EVERYONE, True)
    client.token = reply.token
    client.session = looking.lo, client.common.last_seq(client.tenant)
    return True


async def _visit(client: Client, op: Op, request: str) -> None:
    """Come with a link, and look at what it leads to."""
    said, nodes = said_in(client), _nodes(client)
    if not said.links or not nodes:
        return
    link = said.links[int(op.path) % len(said.links)]
    await _as_guest(client, request, link, [nodes[int(op.name) % len(nodes)]])


async def _as_guest(
    client: Client, request: str, link: tuple[UUID, str, UUID], nodes: Sequence[UUID]
) -> None:
    link_id, token, maker = link
    looking = _Looking.begin(client, request, link_id)
    guest = await client.ask_open("sharing", OpenLink(token, None, Origin(request)))
    looking.end("let in", maker, isinstance(guest, Principal))
    if not isinstance(guest, Principal):
        return
    # A guest who is inside has to find out too when the link is revoked.
    looking = _Looking.begin(client, request, link_id)
    asked = GetNodes(Caller(guest, Origin(request)), tuple(map(NodeId, nodes)))
    for node, one in zip(nodes, await client.ask_open("files", asked), strict=True):
        looking.end("guest", node, isinstance(one, Node))


# All that everybody sees, when nothing happens any more


async def compare(clients: Sequence[Client]) -> None:
    """Look at every node as everybody, as every guest, and have each explained."""
    for client in clients:
        said = said_in(client)
        me = said.people[client.account.login]
        looking = _Looking.begin(client, "compare", me)
        reply = await client.ask("identity", _of(client, DescribeMe))
        is_out = isinstance(reply, Unauthenticated)
        if is_out:
            looking.end("shut out", EVERYONE, "session")
        if is_out and not await _come_back(client, "compare"):
            continue
        await _all_seen(client, me)
    admin = clients[0]
    said = said_in(admin)
    nodes = _nodes(admin)
    for link in said.links:
        await _as_guest(admin, "compare", link, nodes)
    for node in nodes:
        looking = _Looking.begin(admin, "compare", said.admin)
        holders = await admin.ask("sharing", _of(admin, ExplainAccess, NodeId(node)))
        if not isinstance(holders, Refusal):
            told = {one.grantee.grantee_id: one.role.value for one in holders.items}
            looking.end("explain", node, told)


def _caller(client: Client, who: Principal) -> Caller:
    return client.caller(who, "compare")


def _of(client: Client, kind: Any, *arguments: Any) -> Callable[[Principal], Any]:
    return lambda who: kind(_caller(client, who), *arguments)


async def _all_seen(client: Client, me: UUID) -> None:
    nodes = _nodes(client)
    looking = _Looking.begin(client, "compare", me)
    found = await client.ask("files", _of(client, GetNodes, tuple(map(NodeId, nodes))))
    for node, one in zip(nodes, found, strict=True):
        looking.end("see", node, isinstance(one, Node))
        check = await client.ask("sharing", _of(client, CheckAccess, NodeId(node), Right.READ))
        looking.end("check", node, _rank(check))
        if isinstance(one, Node) and one.kind == "folder":
            target = Target(node_id=NodeId(node))
            page = await client.ask("files", _of(client, ListChildren, target))
            names = [each.name for each in page.items] if isinstance(page, Page) else [str(page)]
            looking.end("list", node, tuple(sorted(names)))
    await _shared(client, looking)


async def _shared(client: Client, looking: _Looking) -> None:
    page = await client.ask("sharing", _of(client, ListShared, None, MAX_LIMIT))
    ids = tuple(one.node_id for one in page.items)
    nodes = await client.ask("files", _of(client, GetNodes, ids)) if ids else ()
    pairs = zip(page.items, nodes, strict=True)
    shown = {one.node_id: one.role.value for one, node in pairs if isinstance(node, Node)}
    looking.end("shared", EVERYONE, shown)


Doing = Callable[[Client, Op, str], Awaitable[None]]
SHARING: Mapping[str, Doing] = {
    **dict.fromkeys(_ACTS, _act),
    "group": _make_group,
    "look": _look,
    "visit": _visit,
}
