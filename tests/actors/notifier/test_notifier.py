"""From events to mails: queued once, sent at least once, later each time, and not for ever."""

from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from bitvault.actors.identity.contract import (
    ChangeUser,
    ConfirmEmail,
    DeleteUser,
    Invitation,
    Invite,
    MailSettings,
    MintConfirmation,
    Mute,
    ProposeEmail,
    ProposeOwnEmail,
    RevokeInvitation,
    TellRefusals,
)
from bitvault.actors.notifier.actor.sender import Sender
from bitvault.actors.notifier.consumer import MailQueue
from bitvault.actors.notifier.contract import (
    InspectMail,
    ListMail,
    Mail,
    MailNotFound,
    Mails,
    ResendMail,
)
from bitvault.actors.notifier.rules.writing import Facts, written
from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.mail.memory import MemoryMailer
from bitvault.drivers.mail.port import Rejection
from bitvault.kernel.access import Role
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.paging import Page
from bitvault.kernel.refusal import DependencyDown, Forbidden, Invalid
from bitvault.outbox import ConsumerLoop
from supervisors import Child
from supervisors.child import Tree
from tests.actors.notifier.conftest import BEN, SERVER, Post, forget_cursor
from tests.actors.sharing.conftest import ADMIN
from tests.support.postgres import snapshot


async def test_who_is_given_something_is_told_once(post: Post) -> None:
    """However often the events are looked at; not who gave it, nor of a change of the role."""
    node_id = await post.share()
    await post.turn()
    await post.company.share(ADMIN, node_id, "ben", Role.VIEWER)
    await post.database.transact(post.company.tenant_id, forget_cursor)
    await post.turn()
    [mail] = [mail for mail in post.mailer.sent if "shared" in mail.subject]
    assert (mail.recipient, mail.subject) == (BEN, "ann shared Plans with you")
    assert "as editor" in mail.text
    [kept] = [mail for mail in await post.mails() if mail.kind == "share"]
    assert (kept.kind, kept.state, kept.address, kept.attempts) == ("share", "sent", BEN, 1)
    assert mail.mail_id == str(kept.mail_id)


async def test_what_waits_is_counted_over_all_tenants(post: Post) -> None:
    """With the age of the first; nothing does once it is sent."""
    await post.share()
    await post.queue()
    counted = await post.room.handle(CountBacklog())
    assert counted == {"mail": Backlog(1, post.clock.now())}
    await post.turn()
    assert await post.room.handle(CountBacklog()) == {"mail": Backlog(0)}


async def test_what_is_not_so_any_more_is_not_told(post: Post) -> None:
    """Taken back, muted, without an address, disabled: the mail is dropped, with the reason."""
    taken = await post.share(name="Taken")
    await post.queue()
    await post.company.unshare(ADMIN, taken, "ben")
    await post.share("cat", "Nobody")
    await post.turn()
    await post.company.identity.handle(Mute(post.company.caller("ben"), ("share",)))
    await post.share(name="Muted")
    await post.turn()
    await post.company.identity.handle(Mute(post.company.caller("ben"), ()))
    await post.share(name="Disabled")
    await post.queue()
    ben = post.company.people["ben"].user_id
    disable = ChangeUser(post.company.caller(ADMIN), ben, is_disabled=True)
    await post.company.identity.handle(disable)
    await post.turn()
    assert post.mailer.sent == []
    errors = [(mail.state, (mail.error or "").partition(":")[0]) for mail in await post.mails()]
    nobody = "nobody is to be told any more"
    assert errors == [
        ("dropped", nobody),
        ("dropped", "the user does without these mails"),
        ("dropped", nobody),
        ("dropped", "it is not shared with the user any more"),
    ]


async def test_the_sender_tells_of_its_turns(post: Post) -> None:
    """What stood in the way, as the server says it; and what was sent once it is gone."""
    child = Child("root/workers/mail", Tree(lambda _: None), lambda _: None)
    await post.share()
    await post.queue()
    post.mailer.is_down = True
    assert not await post.sender._watched(child)
    turns = post.sender.turns
    assert (turns.name, turns.failures, turns.totals) == ("mail", 1, {})
    assert turns.failed is not None
    assert turns.failed.error == "mail server: is down"
    post.mailer.is_down = False
    post.clock.advance(60)
    assert await post.sender._watched(child)
    assert (turns.failures, turns.totals) == (0, {"sent": 1})


async def test_a_server_that_is_down_is_no_attempt(post: Post) -> None:
    """The event has had its effect, the mail waits, and goes out when the server is back."""
    await post.share()
    post.mailer.is_down = True
    for _ in range(20):
        post.clock.advance(60)
        with pytest.raises(DependencyDown):
            await post.turn()
    [mail] = await post.mails()
    assert (mail.state, mail.attempts, mail.error) == ("queued", 0, "mail server: is down")
    assert post.sender.statistics()["queued"] == 1
    assert post.sender.statistics()["oldest_seconds"] >= 1000
    post.mailer.is_down = False
    post.clock.advance(60)
    await post.turn()
    assert [mail.state for mail in await post.mails()] == ["sent"]


async def test_a_mail_is_tried_again_later_each_time_and_given_up(post: Post) -> None:
    """With the same Message-ID; after twelve attempts it has failed, until an admin sends it."""
    await post.share()
    post.mailer.rejections[BEN] = Rejection("450 try later", is_permanent=False)
    await post.turn()
    waits = []
    for _ in range(11):
        [mail] = await post.mails()
        assert mail.state == "queued"
        waits.append((mail.next_at - post.clock.now()).total_seconds())
        post.clock.time = mail.next_at
        await post.turn()
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    [mail] = await post.mails("failed")
    assert (mail.attempts, mail.error) == (12, "450 try later")
    admin = post.company.caller(ADMIN)
    assert await post.room.handle(InspectMail(admin)) == Mails(True, 0, 1, None)
    post.mailer.rejections.clear()
    assert isinstance(await post.room.handle(ResendMail(admin, mail.mail_id)), Mail)
    await post.turn()
    assert [sent.mail_id for sent in post.mailer.sent] == [str(mail.mail_id)]


async def test_a_mail_that_is_refused_for_good_has_failed(post: Post) -> None:
    """At once, and with what the server said; others are not held up."""
    post.mailer.rejections[BEN] = Rejection("550 no such user", is_permanent=True)
    await post.share()
    await post.turn()
    [mail] = await post.mails()
    assert (mail.state, mail.attempts, mail.error) == ("failed", 1, "550 no such user")
    assert post.sender.statistics()["failed"] == 1


@pytest.mark.requirement("X14")
async def test_an_invitations_secret_is_nowhere_but_in_the_mail(post: Post) -> None:
    """Each attempt has a secret, and a Message-ID, of its own; what is revoked is not sent."""
    admin = post.company.caller(ADMIN)
    eve = "eve@example.org"
    made = await post.company.identity.handle(Invite(admin, eve, "eve"))
    gone = await post.company.identity.handle(Invite(admin, "x@example.org", "x"))
    assert isinstance(made, Invitation)
    assert isinstance(gone, Invitation)
    await post.company.identity.handle(RevokeInvitation(admin, gone.invitation_id))
    post.mailer.rejections[eve] = Rejection("450 try later", is_permanent=False)
    await post.turn()
    post.mailer.rejections.clear()
    post.clock.advance(60)
    await post.turn()
    [mail] = post.mailer.sent
    assert mail.recipient == eve
    assert mail.mail_id.endswith(".2")
    token = mail.text.split(f"{SERVER}/invite#")[1].split()[0]
    assert token.startswith("bvi_")
    kept = await snapshot(post.database, ["outbox", "audit", "notifier", "identity"])
    assert not any(token in line for lines in kept.values() for line in lines)
    states = {mail.recipient_id: mail.state for mail in await post.mails()}
    assert states == {made.invitation_id: "sent", gone.invitation_id: "dropped"}


async def readdress(post: Post, email: str) -> None:
    """Have ben propose an address and confirm it."""
    ben = post.company.people["ben"]
    identity = post.company.identity
    await identity.handle(ProposeEmail(post.company.caller(ADMIN), ben.user_id, email))
    letter = await identity.handle(MintConfirmation(ben.tenant_id, ben.user_id))
    done = await identity.handle(ConfirmEmail(post.company.caller("ben"), letter.token))
    assert done == MailSettings(email)


@pytest.mark.requirement("X14")
async def test_the_former_address_is_told_of_another(post: Post) -> None:
    """Also when that is confirmed before the mail could be sent: it is not sent to the new one."""
    post.mailer.rejections[BEN] = Rejection("450 try later", is_permanent=False)
    ben = post.company.people["ben"]
    admin = post.company.caller(ADMIN)
    await post.company.identity.handle(ProposeEmail(admin, ben.user_id, "first@example.net"))
    await post.turn()
    post.mailer.rejections.clear()
    await readdress(post, "thief@example.net")
    post.clock.advance(60)
    await post.turn()
    told = [(mail.recipient, mail.subject) for mail in post.mailer.sent]
    assert sorted(told) == [
        (BEN, "A new address for ben"),
        (BEN, "A new address for ben"),
        (BEN, "The address of ben was changed"),
        ("first@example.net", "Confirm your address"),
    ]


@pytest.mark.requirement("X14")
async def test_who_loses_an_address_is_told_there(post: Post) -> None:
    """No event names it, and it goes with the account, or after four days."""
    ben, caller = post.company.people["ben"], post.company.caller("ben")
    identity = post.company.identity
    removed = await identity.handle(ProposeOwnEmail(caller, None, "correct horse"))
    assert removed == MailSettings()
    kept = await snapshot(post.database, ["outbox", "audit", "notifier"])
    assert not any(BEN in line for lines in kept.values() for line in lines)
    await post.turn()
    [mail] = post.mailer.sent
    assert (mail.recipient, mail.subject) == (BEN, "The address of ben was removed")
    admin = post.company.caller(ADMIN)
    await identity.handle(ChangeUser(admin, ben.user_id, is_disabled=True))
    assert await identity.handle(DeleteUser(admin, ben.user_id)) is None
    kept = await snapshot(post.database, ["identity"])
    assert kept["identity.former_address"] == []


async def test_a_former_address_is_forgotten(post: Post) -> None:
    """After four days; a mail waits three."""
    await readdress(post, "ben@example.net")
    post.clock.advance(4 * 86_400)
    await post.turn()
    assert BEN not in {mail.recipient for mail in post.mailer.sent}
    await post.company.identity.handle(TellRefusals())
    kept = await snapshot(post.database, ["identity"])
    assert kept["identity.former_address"] == []


async def test_what_waited_too_long_is_not_sent(post: Post) -> None:
    """Three days after a share nobody wants to be told."""
    await post.share()
    await post.queue()
    post.clock.advance(72 * 3600 + 1)
    await post.turn()
    [mail] = await post.mails()
    assert (mail.state, mail.error) == ("failed", "waited too long to be of use")


async def test_two_senders_send_a_mail_once(post: Post) -> None:
    """What one has taken the other finds taken; what a dead one had taken is taken again."""
    await post.share()
    await post.queue()
    other = Sender(post.database, post.mailer, post.sender.writer, post.clock)

    class Dies(MemoryMailer):
        async def send(self, mail: Any) -> Rejection | None:
            await other.turn()
            raise RuntimeError(f"killed while it sent {mail.mail_id}")

    post.sender.mailer = Dies()
    with pytest.raises(RuntimeError, match="killed"):
        await post.sender.turn()
    assert post.mailer.sent == []
    post.clock.advance(601)
    await other.turn()
    assert len(post.mailer.sent) == 1


async def test_a_sender_that_stalls_past_its_lease_settles_nothing(post: Post) -> None:
    """What it learns too late does not count: the mail is another's, who knows better."""
    await post.share()
    await post.queue()

    class Defers(MemoryMailer):
        async def send(self, mail: Any) -> Rejection | None:
            return Rejection("451 come back later", is_permanent=False)

    other = Sender(post.database, Defers(), post.sender.writer, post.clock)

    class Stalls(MemoryMailer):
        async def send(self, mail: Any) -> Rejection | None:
            post.clock.advance(601)
            await other.turn()
            return Rejection("550 no such mailbox", is_permanent=True)

    post.sender.mailer = Stalls()
    await post.sender.turn()

    [mail] = await post.mails()
    assert (mail.state, mail.attempts, mail.error) == ("queued", 2, "451 come back later")


async def test_without_a_mail_server_nothing_is_queued(post: Post) -> None:
    """Events pass; a server that is set later tells of nothing old."""
    await post.share()
    loop = ConsumerLoop(MailQueue(), post.database, MemoryBus(), post.clock)
    await loop.catch_up(post.company.tenant_id)
    await post.turn()
    assert await post.mails() == []


async def test_only_admins_see_to_the_mail(post: Post) -> None:
    """And only of their tenant; pages follow each other, and forged cursors are refused."""
    for name in ("Aa", "Bb", "Cc"):
        await post.share(name=name)
    await post.queue()
    user, admin = post.company.caller("ben"), post.company.caller(ADMIN)
    for request in (ListMail(user), InspectMail(user), ResendMail(user, UUID(int=1))):
        assert await post.room.handle(request) == Forbidden("see to the mail")
    assert await post.room.handle(ResendMail(admin, UUID(int=1))) == MailNotFound()
    first = await post.room.handle(ListMail(admin, limit=2))
    assert isinstance(first, Page)
    second = await post.room.handle(ListMail(admin, cursor=first.next_cursor, limit=2))
    assert isinstance(second, Page)
    assert [*first.items, *second.items] == await post.mails()
    for request in (ListMail(admin, cursor="x"), ListMail(admin, state="lost")):
        assert isinstance(await post.room.handle(request), Invalid)
    elsewhere = evolve(admin, principal=evolve(admin.principal, tenant_id=UUID(int=7)))
    listed = await post.room.handle(ListMail(elsewhere))
    assert listed == Page((), None)


def test_what_users_name_is_text() -> None:
    """No markup in the HTML, and no second line in a subject, whatever a node is called."""
    facts = Facts(SERVER, name="<b>Ben", by="ann\r\nBcc: x", what="<script>\u202e" + "x" * 300)
    words = written("share", facts)
    assert "<script>" not in words.html
    assert "<b>" not in words.html
    assert words.subject.isprintable()
    assert len(words.subject) < 300
