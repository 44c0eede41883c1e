"""Whose mail goes first, and how many are too many."""

import pytest

from bitvault.actors.identity.contract import (
    Authenticate,
    CreateTenant,
    Invite,
    OpenSession,
    RequestReset,
)
from bitvault.actors.notifier import store
from bitvault.actors.notifier.actor.sender import Sender
from bitvault.actors.notifier.consumer import MailQueue
from bitvault.actors.notifier.contract import ResendMail
from bitvault.actors.notifier.rules import limits
from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.mail.port import Rejection
from bitvault.kernel.principal import Caller, Origin
from bitvault.outbox import ConsumerLoop
from tests.actors.notifier.conftest import BEN, Post, forget_cursor
from tests.actors.sharing.conftest import ADMIN
from tests.support.postgres import snapshot

ORIGIN = Origin("r", "192.0.2.1", "pytest")
INVITED = "guest@example.net"


async def invite(post: Post, caller: Caller, number: int, email: str | None = None) -> None:
    """Have an admin invite somebody."""
    address = email or f"guest{number}@example.net"
    made = await post.company.identity.handle(Invite(caller, address, f"guest{number}"))
    assert made.email == address


async def elsewhere(post: Post) -> Caller:
    """Return the admin of another tenant."""
    handle = post.company.identity.handle
    await handle(CreateTenant("other", "eve", "correct horse"))
    opened = await handle(OpenSession("other", "eve", "correct horse", ORIGIN))
    return Caller(await handle(Authenticate(opened.token, ORIGIN)), ORIGIN)


async def queue(post: Post, caller: Caller) -> None:
    """Let the consumer catch up in a tenant."""
    loop = ConsumerLoop(MailQueue(is_on=True), post.database, MemoryBus(), post.clock)
    await loop.catch_up(caller.tenant_id)


async def test_a_new_password_is_sent_before_what_nobody_waits_for(post: Post) -> None:
    """However much was queued before it; and the rest goes on."""
    for number in range(6):
        await post.share(name=f"Plans {number}")
    await invite(post, post.company.caller(ADMIN), 1)
    await post.queue()
    post.clock.advance(60)
    await post.company.identity.handle(RequestReset("acme", "ben", ORIGIN))
    await post.turn()
    subjects = [mail.subject for mail in post.mailer.sent]
    assert subjects[:2] == ["A new password for ben", "ann invites you to acme"]
    assert [subject[:10] for subject in subjects[2:]] == ["ann shared"] * 4
    await post.turn()
    assert len(post.mailer.sent) == 8


async def test_no_tenant_waits_for_another_ones_mail(post: Post) -> None:
    """Of each tenant one, then another: who queued many waits for its own."""
    for number in range(20):
        await invite(post, post.company.caller(ADMIN), number)
    await post.queue()
    post.clock.advance(60)
    eve = await elsewhere(post)
    await invite(post, eve, 1, INVITED)
    await queue(post, eve)
    await post.sender.turn()
    assert len(post.mailer.sent) == 10
    assert INVITED in [mail.recipient for mail in post.mailer.sent[:2]]


async def test_a_turn_costs_the_same_however_many_tenants_wait(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It passes so many tenants and goes on behind them, also where nothing is due yet."""
    monkeypatch.setattr(store, "_TENANTS", 1)
    post.mailer.rejections["guest1@example.net"] = Rejection("450 later", is_permanent=False)
    admin, eve = post.company.caller(ADMIN), await elsewhere(post)
    first, second = sorted([admin, eve], key=lambda caller: caller.tenant_id)
    await invite(post, first, 1)
    await queue(post, first)
    assert await post.sender.turn()
    await invite(post, second, 1, INVITED)
    await queue(post, second)
    post.sender = Sender(post.database, post.mailer, post.sender.writer, post.clock)
    assert await post.sender.turn()
    assert post.mailer.sent == []
    assert await post.sender.turn()
    assert [mail.recipient for mail in post.mailer.sent] == [INVITED]
    assert not await post.sender.turn()


async def test_a_recipient_gets_so_many_of_a_kind(post: Post) -> None:
    """The share is made all the same; its mail is dropped, where admins see it."""
    for number in range(21):
        await post.share(name=f"Plans {number}")
    await post.queue()
    # What is looked at again is neither queued nor charged again.
    await post.database.transact(post.company.tenant_id, forget_cursor)
    await post.queue()
    dropped = await post.mails("dropped")
    assert [(mail.kind, mail.error) for mail in dropped] == [("share", limits.OVER)]
    queued = await post.mails("queued")
    assert [mail.kind for mail in queued].count("share") == 20
    post.clock.advance(180)
    await post.share(name="Later")
    await post.share(name="Too soon")
    await post.queue()
    assert len(await post.mails("dropped")) == 2
    await post.company.identity.handle(RequestReset("acme", "ben", ORIGIN))
    await post.queue()
    [newest, *_] = await post.mails()
    assert (newest.kind, newest.state) == ("reset", "queued")


async def test_an_address_gets_so_many_of_a_kind(post: Post) -> None:
    """Whoever they are for, and also when an admin sends one again."""
    post.mailer.is_down = True
    for number in range(21):
        await invite(post, post.company.caller(ADMIN), number, INVITED)
    await post.queue()
    post.mailer.is_down = False
    for _ in range(3):
        await post.turn()
    assert len(post.mailer.sent) == 20
    [dropped] = await post.mails("dropped")
    assert dropped.error == limits.OVER_AT_ADDRESS
    admin = post.company.caller(ADMIN)
    await post.room.handle(ResendMail(admin, dropped.mail_id))
    await post.turn()
    assert len(post.mailer.sent) == 20
    await post.share()
    await post.turn()
    assert post.mailer.sent[-1].recipient == BEN


async def test_a_mail_that_nobody_survives_is_given_up(post: Post) -> None:
    """After twelve lives that ended while they sent it."""
    await post.share()
    await post.queue()

    class Dies:
        async def send(self, _mail: object) -> None:
            raise RuntimeError("killed")

        async def rest(self) -> None:
            """Do nothing."""

    mailer, post.sender.mailer = post.mailer, Dies()
    for _ in range(12):
        with pytest.raises(RuntimeError, match="killed"):
            await post.sender.turn()
        post.clock.advance(601)
    post.sender.mailer = mailer
    await post.sender.turn()
    [mail] = await post.mails()
    assert (mail.state, mail.error) == ("failed", "given up after 12 attempts")
    assert mailer.sent == []


async def test_what_is_refilled_is_forgotten(post: Post) -> None:
    """The limits' state does not grow with all who ever had a mail."""
    await post.share()
    await post.turn()
    post.clock.advance(86_400)
    await post.share("cat", "Later")
    await post.queue()
    kept = (await snapshot(post.database, ["notifier"]))["notifier.allowance"]
    cat = str(post.company.people["cat"].user_id)
    assert len(kept) == 3
    assert [cat in line for line in kept].count(True) == 1
