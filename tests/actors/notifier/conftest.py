"""Everything between an event and a mailbox."""

from typing import Any

import pytest
from attrs import define, evolve, field

from bitvault.actors.identity.contract import (
    ConfirmEmail,
    MintConfirmation,
    ProposeEmail,
)
from bitvault.actors.notifier.actor import Notifier
from bitvault.actors.notifier.actor.sender import Sender
from bitvault.actors.notifier.actor.writer import Writer
from bitvault.actors.notifier.consumer import MailQueue
from bitvault.actors.notifier.contract import (
    ListMail,
    Mail,
)
from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.mail.memory import MemoryMailer
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.paging import Page
from bitvault.outbox import ConsumerLoop
from tests.actors.sharing.conftest import ADMIN, Asked, Company, company
from tests.support.determinism import FixedClock
from tests.support.rewiring import rewire

__all__ = ["company"]  # a fixture
BEN = "ben@example.org"
SERVER = "https://files.example.org"


@define(eq=False)
class Post:
    """A company whose ben gets mail, and everything between an event and his mailbox."""

    company: Company
    database: PostgresDatabase
    clock: FixedClock
    room: Notifier
    sender: Sender
    mailer: MemoryMailer = field(factory=MemoryMailer)

    async def queue(self) -> None:
        """Let the consumer catch up."""
        loop = ConsumerLoop(MailQueue(is_on=True), self.database, MemoryBus(), self.clock)
        await loop.catch_up(self.company.tenant_id)

    async def turn(self) -> None:
        """Let the consumer catch up, and the sender send what is due."""
        await self.queue()
        await self.sender.turn()

    async def mails(self, state: str | None = None) -> list[Mail]:
        """Return the tenant's mails, newest first."""
        page = await self.room.handle(ListMail(self.company.caller(ADMIN), state, limit=100))
        assert isinstance(page, Page)
        return list(page.items)

    async def share(self, whom: str = "ben", name: str = "Plans") -> NodeId:
        """Have ann share a folder."""
        node_id = await self.company.folder(ADMIN, f"/{name}")
        await self.company.share(ADMIN, node_id, whom, Role.EDITOR)
        return node_id


async def forget_cursor(tx: Transaction) -> None:
    """Have the consumer look at everything again."""
    sql = "DELETE FROM outbox.consumer_cursor WHERE consumer = 'notifier'"
    await tx.execute(Query("forget", sql, ()))


@pytest.fixture
async def post(company: Company, database: PostgresDatabase, clock: FixedClock) -> Post:
    """Return it, with ben's address confirmed and nothing in the queue."""
    identity = company.identity
    rewire(identity, options=evolve(identity.options, sends_mail=True))
    mailer, below = MemoryMailer(), Asked(identity)
    files: Any = company.files
    writer = Writer(below, files, SERVER)  # type: ignore[arg-type]  # asked without a mailbox
    room = Notifier(database, clock, is_on=True)
    sender = Sender(database, mailer, writer, clock)
    made = Post(company, database, clock, room, sender, mailer)
    ben = company.people["ben"]
    await identity.handle(ProposeEmail(company.caller(ADMIN), ben.user_id, BEN))
    letter = await identity.handle(MintConfirmation(ben.tenant_id, ben.user_id))
    await identity.handle(ConfirmEmail(company.caller("ben"), letter.token))
    # What led here is told to nobody: the queue begins to listen now.
    loop = ConsumerLoop(MailQueue(is_on=False), database, MemoryBus(), clock)
    await loop.catch_up(company.tenant_id)
    return made
