"""Random trees, grants, restrictions and moves: what everybody sees, beside what ADR-0018 says."""

import random
from collections.abc import Iterable
from uuid import UUID

import pytest
from attrs import define, evolve, field

from bitvault.actors.files.contract import (
    Apply,
    DescribeAccess,
    GetNode,
    GetSpace,
    InitUploads,
    KindMismatch,
    ListChildren,
    MoveNode,
    NameTaken,
    NodeNotFound,
    Sender,
    Target,
    UploadDraft,
    UploadOpened,
    Written,
)
from bitvault.actors.sharing.contract import (
    CreateLink,
    ExplainAccess,
    LinkNotFound,
    LinkTerms,
    OpenLink,
)
from bitvault.kernel.access import EVERYONE, NONE, Right, Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import Forbidden
from tests.actors.sharing.conftest import Company

ORIGIN = Origin("r", "192.0.2.1", "pytest")
READ, ADD, CHANGE, SHARE = Right.READ, Right.ADD, Right.CHANGE, Right.SHARE
ALLOWS = {
    Role.UPLOADER: ADD,
    Role.VIEWER: READ,
    Role.EDITOR: READ | ADD | CHANGE,
    Role.MANAGER: READ | ADD | CHANGE | SHARE,
}


@define
class Oracle:
    """The tree and what is said on it, told again from the ADRs."""

    above: dict[NodeId, NodeId] = field(factory=dict)
    name: dict[NodeId, str] = field(factory=dict)
    folders: set[NodeId] = field(factory=set)
    owner: dict[NodeId, UUID] = field(factory=dict)
    """Of each root."""
    given: dict[NodeId, dict[UUID, Role]] = field(factory=dict)
    restricted: set[NodeId] = field(factory=set)
    identities: dict[str, set[UUID]] = field(factory=dict)
    """The ids that somebody's grants are given to."""
    confined: dict[str, NodeId] = field(factory=dict)
    """Where somebody's token ends."""
    sponsors: dict[UUID, tuple[str, NodeId]] = field(factory=dict)
    """Of each link who made it, and to what."""

    def way(self, node: NodeId) -> list[NodeId]:
        """Return the nodes from the root down."""
        found = [node]
        while found[-1] in self.above:
            found.append(self.above[found[-1]])
        return found[::-1]

    def rights(self, who: Iterable[UUID], node: NodeId) -> Right:
        """Return what these ids together may do to a node."""
        ids = set(who)
        if node not in self.above:
            return ALLOWS[Role.MANAGER] if self.owner[node] in ids else NONE
        passed = self.rights(ids, self.above[node])
        if node in self.restricted and SHARE not in passed:
            passed = NONE
        for grantee, role in self.given.get(node, {}).items():
            if grantee in ids and not self.is_over(grantee):
                passed |= ALLOWS[role]
        return passed

    def seen(self, name: str, node: NodeId) -> Right:
        """Return what somebody may do to a node: what their user may, as far as a token goes."""
        end = self.confined.get(name)
        if end is not None and end not in self.way(node):
            return NONE
        return self.rights(self.identities[name], node)

    def is_over(self, grantee: UUID) -> bool:
        """Say whether it is a link whose maker may no longer share what it leads to."""
        maker, node = self.sponsors.get(grantee, ("", None))
        return node is not None and SHARE not in self.rights(self.identities[maker], node)

    def path(self, name: str, node: NodeId) -> tuple[str, bool]:
        """Return a node's path as somebody sees it, and whether its folder is hidden."""
        seen: list[NodeId] = []
        for one in reversed(self.way(node)):
            if READ not in self.seen(name, one):
                break
            seen.insert(0, one)
        is_top = seen[0] == node and node in self.above
        return "/" + "/".join(self.name[one] for one in seen if one in self.above), is_top

    def children(self, name: str, node: NodeId) -> list[str]:
        """Return the names that somebody sees in a folder."""
        below = [one for one, parent in self.above.items() if parent == node]
        return sorted(self.name[one] for one in below if READ in self.seen(name, one))

    def moves(self, name: str, node: NodeId, to: NodeId) -> bool:
        """Say whether somebody may move a node into another, and move it then."""
        if node not in self.above or to not in self.folders or node in self.way(to):
            return False
        may = [self.seen(name, one) for one in (node, self.above[node], to)]
        if CHANGE not in may[0] & may[1] or READ | ADD not in may[2]:
            return False
        leaves = self.way(to)[0] != self.way(node)[0]
        if leaves and SHARE not in may[1]:
            return False
        if SHARE not in may[0] and self._exposes(node, to):
            return False
        self.above[node] = to
        return True

    def _exposes(self, node: NodeId, to: NodeId) -> bool:
        held = any(node in self.way(one) for one in self.restricted) and node in self.folders
        new = [one for one in self.way(to) if one not in self.way(node)]
        sharers = any(Role.MANAGER in self.given.get(one, {}).values() for one in new)
        return held and sharers


@define
class Play:
    """A company, and the oracle beside it."""

    company: Company
    dice: random.Random
    oracle: Oracle = field(factory=Oracle)
    callers: dict[str, Caller] = field(factory=dict)
    tokens: dict[str, str] = field(factory=dict)

    async def begin(self) -> None:
        """Make a tree for each of two people, and a group."""
        company, oracle = self.company, self.oracle
        team = await company.group("team", "ben", "cat")
        for name, person in company.people.items():
            self.callers[name] = company.caller(name)
            oracle.identities[name] = {person.user_id, *person.groups, EVERYONE}
        for name in ("ann", "ben"):
            root = (await company.files.ask(GetSpace(self.callers[name]))).root_id
            oracle.name[root], oracle.owner[root] = "", company.people[name].user_id
            oracle.folders.add(root)
            await self._grow(name, [(root, "")])
        self._grantees = [EVERYONE, team, *(one.user_id for one in company.people.values())]

    _grantees: list[UUID] = field(factory=list)

    async def _grow(self, name: str, spots: list[tuple[NodeId, str]]) -> None:
        for number in range(6):
            parent, path = self.dice.choice(spots[-3:])
            label = f"{name}{number}"
            is_file = number % 3 == 2
            make = self.company.put if is_file else self.company.folder
            node = await make(name, f"{path}/{label}")
            self.oracle.above[node], self.oracle.name[node] = parent, label
            if not is_file:
                self.oracle.folders.add(node)
                spots.append((node, f"{path}/{label}"))

    def _governor(self, node: NodeId) -> str:
        owner = self.oracle.owner[self.oracle.way(node)[0]]
        return next(n for n, one in self.company.people.items() if one.user_id == owner)

    async def share(self) -> None:
        """Grant something, restrict something, or take that back."""
        node = self.dice.choice(list(self.oracle.above))
        governor, said = self._governor(node), self.oracle.given.setdefault(node, {})
        if self.dice.random() < 0.3 and node in self.oracle.folders:
            self.oracle.restricted ^= {node}
            wanted = node in self.oracle.restricted
            shares = await self.company.restrict(governor, node, wanted=wanted)
            assert shares.is_restricted == wanted
        elif (known := sorted(said.keys() & set(self._grantees))) and self.dice.random() < 0.2:
            grantee = self.dice.choice(known)
            assert await self.company.unshare(governor, node, grantee) is None
            del said[grantee]
        else:
            grantee = self.dice.choice(self._grantees)
            role = self._role(node, most=3 if grantee == EVERYONE else 4)
            given = await self.company.share(governor, node, grantee, role)
            assert given.role is role
            said[grantee] = role

    def _role(self, node: NodeId, most: int) -> Role:
        """Choose a role; a file has no uploaders."""
        return self.dice.choice(list(Role)[node not in self.oracle.folders : most])

    async def link(self, name: str) -> None:
        """Have a guest come with a link."""
        node = self.dice.choice(list(self.oracle.above))
        role = self._role(node, most=3)
        asked = CreateLink(self.company.caller(self._governor(node)), node, LinkTerms(role))
        issued = await self.company.sharing.handle(asked)
        guest = await self.company.sharing.handle(OpenLink(issued.token, None, ORIGIN))
        self.callers[name], self.tokens[name] = Caller(guest, ORIGIN), issued.token
        self.oracle.sponsors[guest.user_id] = (self._governor(node), node)
        self.oracle.identities[name] = {guest.user_id}
        self.oracle.given.setdefault(node, {})[guest.user_id] = role

    async def confine(self, name: str, user: str) -> None:
        """Have a token of somebody's, or of a guest's, that ends at a node."""
        node = self.dice.choice(list(self.oracle.name))
        caller = self.callers[user]
        principal = evolve(caller.principal, confined_to=node)
        self.callers[name] = evolve(caller, principal=principal)
        self.oracle.identities[name] = self.oracle.identities[user]
        self.oracle.confined[name] = node

    async def _inside(self) -> list[str]:
        """Return who gets in: everybody but the guests of links that are over."""
        found = list(self.callers)
        for name, token in self.tokens.items():
            came = await self.company.sharing.handle(OpenLink(token, None, ORIGIN))
            is_over = self.oracle.is_over(self.callers[name].principal.user_id)
            assert came == (LinkNotFound() if is_over else self.callers[name].principal)
            if is_over:
                found.remove(name)
        return found

    async def move(self) -> None:
        """Have somebody move things, at once; each operation goes as if the others were done."""
        name = self.dice.choice(await self._inside())
        nodes, folders = list(self.oracle.above), sorted(self.oracle.folders)
        drawn = [(self.dice.choice(nodes), self.dice.choice(folders)) for _ in range(4)]
        operations = tuple(MoveNode(Target(node_id=a), Target(node_id=b)) for a, b in drawn)
        answers = await self.company.files.ask(Apply(self.callers[name], operations))
        expected = [self.oracle.moves(name, node, to) for node, to in drawn]
        assert [isinstance(one, Written) for one in answers] == expected, answers

    async def compare(self) -> None:
        """Ask for every node as everybody, and have each explained."""
        inside = await self._inside()
        for node in self.oracle.name:
            for name in inside:
                await self._compare(name, node)
            await self._explained(node)

    async def _compare(self, name: str, node: NodeId) -> None:
        caller, target = self.callers[name], Target(node_id=node)
        rights = self.oracle.seen(name, node)
        await self._adds(name, node, rights)
        shown = await self.company.files.ask(GetNode(caller, target))
        access = await self.company.files.ask(DescribeAccess(caller, node))
        page = await self.company.files.ask(ListChildren(caller, target))
        if READ not in rights:
            assert [shown, access, page] == [NodeNotFound(str(node))] * 3
            return
        assert access.rights == rights
        path, is_top = self.oracle.path(name, node)
        parent = None if is_top else self.oracle.above.get(node)
        assert (shown.path, shown.parent_id) == (path, parent)
        if node in self.oracle.folders:
            assert [one.name for one in page.items] == self.oracle.children(name, node)
        else:
            assert page == KindMismatch(path, "folder")

    async def _explained(self, node: NodeId) -> None:
        asked = ExplainAccess(self.company.caller(self._governor(node)), node)
        holders = await self.company.sharing.handle(asked)
        told = {one.grantee.grantee_id: one.rights for one in holders.items}
        for name, ids in self.oracle.identities.items():
            all_told = NONE
            for grantee, rights in told.items():
                all_told |= rights if grantee in ids else NONE
            # A restriction is told of each grantee alone; who shares by one of them passes it.
            if SHARE not in all_told:
                assert all_told == self.oracle.rights(ids, node), (name, self.oracle.way(node))
            else:
                assert SHARE in self.oracle.rights(ids, node), (name, self.oracle.way(node))

    async def _adds(self, name: str, node: NodeId, rights: Right) -> None:
        """Begin an upload of a name that may be there: only who sees it is told that it is."""
        taken = [one for one, parent in self.oracle.above.items() if parent == node]
        child = self.dice.choice([*taken, None])
        label = "fresh" if child is None else self.oracle.name[child]
        caller, into = self.callers[name], Target(node_id=node)
        sender = Sender(node, "somebody") if caller.principal.is_guest else None
        sender = sender if caller.principal.drop else None
        draft = UploadDraft(1, parent=into, name=label, hash="sha256:" + "0" * 64, sender=sender)
        (answer,) = await self.company.files.ask(InitUploads(caller, (draft,)))
        there = None if child is None else self.oracle.seen(name, child)
        expected = _adding(rights, there, is_folder=node in self.oracle.folders)
        assert isinstance(answer, expected), (name, label, rights, answer)


def _adding(rights: Right, there: Right | None, *, is_folder: bool) -> type:
    """Say what comes of an upload to where ``there`` is had on what has the name."""
    if not is_folder:
        return KindMismatch if READ in rights else NodeNotFound
    if ADD in rights and READ not in rights:
        return UploadOpened
    if READ not in rights:
        return NodeNotFound
    if there is None:
        return UploadOpened if ADD in rights else Forbidden
    if READ not in there:
        return NodeNotFound
    return NameTaken if ADD in rights or CHANGE in there else Forbidden


async def play(company: Company, seed: int) -> None:
    """Set up, and go on sharing, moving and comparing."""
    one = Play(company, random.Random(seed))  # noqa: S311 - the same games every time
    await one.begin()
    for guest in ("guest", "other"):
        await one.link(guest)
    for name, user in (("ann's token", "ann"), ("ben's token", "ben"), ("cat's token", "cat")):
        await one.confine(name, user)
    for _ in range(2):
        for _ in range(7):
            await one.share()
        for _ in range(6):
            await one.move()
        await one.compare()


@pytest.mark.requirement("X17", "X26", "X27")
@pytest.mark.parametrize("seed", range(3))
async def test_everybody_sees_what_the_rules_say(company: Company, seed: int) -> None:
    """By id, in lists, by rights and as explained, after moves that went as they should."""
    await play(company, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 40))
async def test_everybody_sees_it_in_many_games(company: Company, seed: int) -> None:
    """The same, longer."""
    await play(company, seed)
