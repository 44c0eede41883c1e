"""A sharing room over real rooms of files and identity, and a few people to share with."""

from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from attrs import define

from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.files.contract import GetNode, ListChildren, MakeFolder, Node, Target
from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    AddMember,
    CreateGroup,
    CreateTenant,
    CreateUser,
    FindUsers,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.sharing.actor import Sharing
from bitvault.actors.sharing.consumer import GrantSweeper
from bitvault.actors.sharing.contract import PutGrant, RemoveGrant, Restrict
from bitvault.actors.sharing.store.grants import NewRestrictions
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.passwords.argon2 import Argon2Passwords
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.access import Role
from bitvault.kernel.ids import GroupId, NodeId, TenantId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Refusal
from bitvault.outbox import Outbox, Wakeups, journal
from bitvault.outbox.coding import classes_of
from tests.actors.files.conftest import StandInStorage, World
from tests.support.determinism import FixedClock, SequenceIds

ADMIN = "ann"


@define(eq=False)
class Asked:
    """Asks a room without a mailbox between."""

    room: Any

    async def ask(self, request: Any, *, timeout: float = 5) -> Any:  # noqa: ASYNC109 - Ref's shape
        """Hand the message over."""
        return await self.room.handle(request)


@define(eq=False)
class Company:
    """A tenant whose people have files; ``ann`` is its admin."""

    tenant_id: TenantId
    sharing: Sharing
    files: World
    identity: Identity
    people: dict[str, Principal]

    def caller(self, name: str) -> Caller:
        """Return one of the people."""
        return Caller(self.people[name], Origin("req"))

    async def hire(self, name: str) -> Principal:
        """Add somebody."""
        asked = CreateUser(self.caller(ADMIN), name, "correct horse", name, False)
        user = await self.identity.handle(asked)
        self.people[name] = Principal(self.tenant_id, user.user_id, name, False, UUID(int=9))
        return self.people[name]

    async def group(self, name: str, *members: str) -> GroupId:
        """Make a group, and let its members know."""
        made = await self.identity.handle(CreateGroup(self.caller(ADMIN), name))
        group_id: GroupId = made.group_id
        for member in members:
            one = self.people[member]
            asked = AddMember(self.caller(ADMIN), group_id, one.user_id)
            await self.identity.handle(asked)
            groups = (*one.groups, group_id)
            self.people[member] = Principal(
                one.tenant_id, one.user_id, one.login, one.is_admin, one.credential_id, groups
            )
        return group_id

    async def put(self, name: str, path: str, text: str = "text") -> NodeId:
        """Upload a file for somebody."""
        written = await self.files.put(path, text, self.caller(name))
        node_id: NodeId = written.node.node_id
        return node_id

    async def folder(self, name: str, path: str) -> NodeId:
        """Make a folder for somebody."""
        operation = MakeFolder(Target(path=path), parents=True, exist_ok=True)
        written = await self.files.apply(operation, caller=self.caller(name))
        node_id: NodeId = written.node.node_id
        return node_id

    async def share(self, name: str, node_id: NodeId, whom: UUID | str, role: Role) -> Any:
        """Have somebody share a node."""
        grantee = self.people[whom].user_id if isinstance(whom, str) else whom
        return await self.sharing.handle(PutGrant(self.caller(name), node_id, grantee, role))

    async def unshare(self, name: str, node_id: NodeId, whom: UUID | str) -> Any:
        """Have somebody take a role back."""
        grantee = self.people[whom].user_id if isinstance(whom, str) else whom
        return await self.sharing.handle(RemoveGrant(self.caller(name), node_id, grantee))

    async def restrict(self, name: str, node_id: NodeId, *, wanted: bool = True) -> Any:
        """Have somebody restrict a folder."""
        return await self.sharing.handle(Restrict(self.caller(name), node_id, wanted))

    async def consume(self) -> None:
        """Let the room hear of all that happened."""

        async def work(tx: Transaction) -> None:
            sweeper = GrantSweeper()
            classes = classes_of(sweeper.events)
            stored = await journal.events_after(tx, self.tenant_id, 0, 1000)
            told = [event.decoded(classes) for event in stored if event.kind in classes]
            await sweeper.apply_many(tx, told)

        await self.files.database.transact(self.tenant_id, work)

    async def see(self, name: str, node_id: NodeId) -> Node | Refusal:
        """Return what somebody sees of a node."""
        target = Target(node_id=node_id)
        return await self.files.ask(GetNode(self.caller(name), target))

    async def names(self, name: str, node_id: NodeId) -> list[str] | Refusal:
        """Return the names somebody sees in a folder."""
        page = await self.files.ask(ListChildren(self.caller(name), Target(node_id=node_id)))
        return page if isinstance(page, Refusal) else [node.name for node in page.items]


@pytest.fixture
async def company(database: PostgresDatabase, clock: FixedClock, ids: SequenceIds) -> Company:
    """Return a company of ann, ben and cat."""
    passwords = Argon2Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    identity = Identity(database, passwords, clock, ids, MemoryLimits(), IdentityOptions())
    admin = await identity.handle(CreateTenant("acme", ADMIN, "correct horse"))
    outbox, storage = Outbox(ids, clock, Wakeups()), StandInStorage(clock)
    restrict = NewRestrictions(ids)
    room = Files(database, outbox, storage, clock, ids, FilesOptions(), restrict)  # type: ignore[arg-type]
    world = World(room, database, storage, clock, ids)
    below: Any = (Asked(world.room), Asked(identity))
    sharing = Sharing(database, outbox, *below, clock, ids, passwords, MemoryLimits())
    ann = Principal(admin.tenant_id, admin.user_id, ADMIN, True, UUID(int=9))
    company = Company(admin.tenant_id, sharing, world, identity, {ADMIN: ann})
    for name in ("ben", "cat"):
        await company.hire(name)
    assert len(await identity.handle(FindUsers(company.caller(ADMIN), logins=("ben",)))) == 1
    return company
