"""File requests: links with which people add, under terms."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import trio
from attrs import define, evolve

from bitvault.actors.files.contract import (
    AbortUpload,
    AbortUploads,
    InitUploads,
    ListChildren,
    RequestClosed,
    RequestFull,
    Sender,
    Target,
    TrashNode,
    UploadDraft,
    UploadEnded,
    UploadNotFound,
    UploadOpened,
    Written,
)
from bitvault.actors.identity.contract import DescribeStandings
from bitvault.actors.sharing.contract import (
    CreateLink,
    DescribeOwnLink,
    GetLink,
    LinkNotFound,
    LinkTerms,
    OpenLink,
    RequestTerms,
)
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.policy import SharingPolicy
from bitvault.kernel.principal import Caller, Principal
from bitvault.kernel.refusal import Forbidden, Refusal
from tests.actors.files.conftest import sha256
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import ORIGIN, change, come
from tests.actors.sharing.test_uploaders import tree
from tests.support.rewiring import rewire

ONE, TWO = Sender(UUID(int=1), "Zoe"), Sender(UUID(int=2), "zoe")
WEEK = timedelta(days=7)


@pytest.fixture
async def box(company: Company) -> NodeId:
    """Return a folder for what comes in."""
    return await company.folder("ann", "/in")


async def ask_for(
    company: Company, box: NodeId, *, policy: SharingPolicy | None = None, **more: Any
) -> Any:
    """Have ann make a file request."""
    keys = ("message", "max_files", "max_size", "extensions")
    request = RequestTerms(**{key: more.pop(key) for key in keys if key in more})
    caller = company.caller("ann")
    caller = evolve(caller, principal=evolve(caller.principal, policy=policy or SharingPolicy()))
    terms = LinkTerms(Role.UPLOADER, request=request, **more)
    return await company.sharing.handle(CreateLink(caller, box, terms))


async def begin(company: Company, guest: Caller, box: NodeId, path: str, **more: Any) -> Any:
    """Begin an upload as a guest."""
    more = {"sender": ONE, **more}
    return await company.files.init(f"{box}:/{path}", "text", guest, **more)


async def send(company: Company, guest: Caller, box: NodeId, path: str, **more: Any) -> Any:
    """Upload as a guest."""
    opened = await begin(company, guest, box, path, **more)
    if isinstance(opened, Refusal):
        return opened
    return await company.files.commit(opened, "text", guest)


async def test_each_visit_has_a_folder(company: Company, box: NodeId) -> None:
    """With the name it said, numbered; who says the same name comes nowhere near it."""
    await company.put("ann", "/in/Zoe/private")
    guest = await come(company, await ask_for(company, box))
    for sender in (ONE, TWO, ONE):
        for path in ("a.txt", "deep/b.txt"):
            done = await send(company, guest, box, path, sender=sender)
            assert (done.node.path, done.position) == (f"/{path}", None)
    twice = {"a.txt": 4, "a (2).txt": 4, "deep": {"b.txt": 4, "b (2).txt": 4}}
    once = {"a.txt": 4, "deep": {"b.txt": 4}}
    assert await tree(company, box) == {"Zoe": {"private": 4}, "Zoe (2)": twice, "zoe (3)": once}


async def test_what_came_in_is_counted_for_each_request(company: Company, box: NodeId) -> None:
    """Many files at once, of several requests; what users put there beside is not counted."""
    issued = [await ask_for(company, box) for _ in range(3)]
    first, second, _ = [await come(company, one) for one in issued]
    for name in "ab":
        await send(company, first, box, name)
    await company.put("ann", "/in/beside", "beside")
    await send(company, second, box, "c")
    await send(company, first, box, "d")
    await company.consume()

    links = [
        await company.sharing.handle(GetLink(company.caller("ann"), one.link.link_id))
        for one in issued
    ]
    assert [(link.files, link.bytes) for link in links] == [(3, 12), (1, 4), (0, 0)]


async def test_a_visit_whose_folder_is_gone_gets_another(company: Company, box: NodeId) -> None:
    """The manager may move it away; who still uploads does not follow it."""
    guest = await come(company, await ask_for(company, box))
    await send(company, guest, box, "a")
    there = Target(path="/in/Zoe")
    assert isinstance(
        await company.files.apply(TrashNode(there), caller=company.caller("ann")), Written
    )
    assert isinstance(await send(company, guest, box, "b"), Written)
    assert await tree(company, box) == {"Zoe": {"b": 4}}


async def test_visits_begin_at_once(company: Company, box: NodeId) -> None:
    """Ten files of one visit committed together make one folder, and none is lost."""
    guest = await come(company, await ask_for(company, box))
    opened = [await begin(company, guest, box, f"f{n}") for n in range(10)]
    async with trio.open_nursery() as nursery:
        for one in opened:
            nursery.start_soon(company.files.commit, one, "text", guest)
    assert await tree(company, box) == {"Zoe": {f"f{n}": 4 for n in range(10)}}


@pytest.mark.requirement("X35")
async def test_no_more_files_than_are_taken(company: Company, box: NodeId) -> None:
    """Fifty at once get exactly seven places; those that are given up are somebody else's."""
    issued = await ask_for(company, box, max_files=7)
    guest = await come(company, issued)
    answers: list[Any] = []

    async def one(number: int) -> None:
        answers.append(await begin(company, guest, box, f"f{number}"))

    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(one, number)
    opened = [answer for answer in answers if isinstance(answer, UploadOpened)]
    assert len(opened) == 7
    assert [answer for answer in answers if answer not in opened] == [RequestFull()] * 43

    await company.files.commit(opened[0], "text", guest)
    other = await come(company, await ask_for(company, box))
    two = tuple(one.upload_id for one in opened[1:3])
    assert await company.files.ask(AbortUploads(other, two)) == (UploadNotFound(),) * 2
    assert await begin(company, guest, box, "too early") == RequestFull()
    ended = tuple(UploadEnded(one, "aborted") for one in two)
    assert await company.files.ask(AbortUploads(guest, two)) == ended
    assert await company.files.ask(AbortUpload(guest, opened[3].upload_id)) is None
    for name in "123":
        assert isinstance(await begin(company, guest, box, f"in its place {name}"), UploadOpened)
    assert await begin(company, guest, box, "one more") == RequestFull()
    drafts = tuple(
        UploadDraft(4, Target(path=f"{box}:/{n}"), hash=sha256("text"), sender=ONE) for n in "ab"
    )
    await change(company, issued.link, request=RequestTerms(max_files=8))
    wider = await come(company, issued)
    kinds = [type(a) for a in await company.files.ask(InitUploads(wider, drafts))]
    assert kinds == [UploadOpened, RequestFull]


@pytest.mark.requirement("X36")
async def test_after_the_deadline_only_what_was_begun(company: Company, box: NodeId) -> None:
    """It may be finished for an hour; then the link leads nowhere, until it is opened again."""
    clock = company.files.clock
    issued = await ask_for(company, box, expires_at=clock.now() + timedelta(days=1))
    guest = await come(company, issued)
    clock.advance(86_000)
    in_time, too_late = [await begin(company, guest, box, path) for path in ("a", "b")]
    assert in_time.expires_at == issued.link.expires_at + timedelta(hours=1)

    clock.advance(400)
    guest = await come(company, issued)
    assert await begin(company, guest, box, "c") == RequestClosed()
    assert isinstance(await company.files.commit(in_time, "text", guest), Written)
    clock.advance(3_600)
    assert await come(company, issued) == LinkNotFound()
    again = clock.now() + timedelta(days=1)
    await change(company, issued.link, expires_at=again)
    assert isinstance(await send(company, await come(company, issued), box, "d"), Written)
    assert too_late.upload_id != in_time.upload_id


async def test_what_is_not_asked_for_is_refused(company: Company, box: NodeId) -> None:
    """By the names' ends, by size, and without a name; the field is named."""
    terms: Any = {"max_size": 4, "extensions": (".PDF", "tar")}
    guest = await come(company, await ask_for(company, box, **terms))
    for path in ("a.pdf", "A.Pdf", "b.tar"):
        assert isinstance(await send(company, guest, box, path), Written)
    for path in ("a.pdf.exe", "pdf", ".pdf", "a.tar.gz"):
        assert (await send(company, guest, box, path)).field == "name"
    large = UploadDraft(5, Target(path=f"{box}:/a.pdf"), hash=sha256("large"), sender=ONE)
    (answer,) = await company.files.ask(InitUploads(guest, (large,)))
    assert answer.field == "size"
    assert (await send(company, guest, box, "a.pdf", sender=None)).field == "sender"
    for name in ("", "a/b", ".."):
        assert (
            await send(company, guest, box, "a.pdf", sender=Sender(ONE.visit, name))
        ).field == "sender"
    ann = company.caller("ann")
    assert (await company.files.init("/x", "text", ann, sender=ONE)).field == "sender"


async def test_it_counts_what_came_in(company: Company, box: NodeId) -> None:
    """Files and bytes, for the one who asked; a guest is told nothing of them."""
    issued = await ask_for(company, box, message="Your\nreports")
    guest = await come(company, issued)
    await send(company, guest, box, "a")
    await company.put("ann", "/in/own")

    await company.consume()
    link = await company.sharing.handle(GetLink(company.caller("ann"), issued.link.link_id))
    assert (link.files, link.bytes, link.request.message) == (1, 4, "Your\nreports")
    page = await company.files.ask(ListChildren(guest, Target(node_id=box)))
    assert page.code == "node_not_found"


async def test_a_request_stays_a_request(company: Company, box: NodeId) -> None:
    """Who got it to send something never reads by it; terms that mean nothing are refused."""
    issued = await ask_for(company, box)
    for role in (Role.VIEWER, Role.EDITOR):
        assert (await change(company, issued.link, role=role, request=None)).field == "role"
    file = await company.put("ann", "/file")
    assert (await ask_for(company, file)).field == "role"
    assert (await ask_for(company, box, max_downloads=1)).field == "maxDownloads"
    assert (await ask_for(company, box, message="\x00")).field == "request.message"
    assert (await ask_for(company, box, extensions=("a/b",))).field == "request.extensions"
    assert (await ask_for(company, box, max_files=0)).field == "request.maxFiles"
    wrong = LinkTerms(Role.VIEWER, request=RequestTerms())
    made = await company.sharing.handle(CreateLink(company.caller("ann"), box, wrong))
    assert made.field == "request"


async def test_a_policy_holds_on_every_path(company: Company, box: NodeId) -> None:
    """Making, changing, reviving and opening: what it forbids, none of them does."""
    strict = SharingPolicy(password_required=True, longest_life=WEEK)
    issued, now = await ask_for(company, box), company.files.clock.now()
    assert (await ask_for(company, box, policy=strict)).field == "password"
    late: Any = {"policy": strict, "password": "long enough", "expires_at": now + WEEK * 2}
    assert (await ask_for(company, box, **late)).field == "expiresAt"
    made = await ask_for(company, box, **{**late, "expires_at": None})
    assert made.link.expires_at == now + WEEK
    none = await ask_for(company, box, policy=SharingPolicy(links_allowed=False))
    assert isinstance(none, Forbidden)

    company.people["ann"] = evolve(company.people["ann"], policy=strict)
    assert (await change(company, issued.link, label="x")).field == "password"
    revoked = await change(company, issued.link, is_revoked=True)
    assert revoked.is_revoked
    assert (await change(company, issued.link, is_revoked=False)).field == "password"


@define(eq=False)
class Strict:
    """An identity room whose tenant has a policy."""

    below: Any
    policy: SharingPolicy

    async def ask(self, request: Any, *, timeout: float = 5) -> Any:  # noqa: ASYNC109 - Ref's shape
        """Add the policy to what it says of anybody."""
        answer = await self.below.ask(request)
        if not isinstance(request, DescribeStandings):
            return answer
        return tuple(evolve(one, policy=self.policy) for one in answer)


async def test_an_older_link_is_opened_under_the_policy_of_now(
    company: Company, box: NodeId
) -> None:
    """Without the password that is needed, or too old, it leads nowhere; else it ends in time."""
    issued, now = await ask_for(company, box), company.files.clock.now()
    below = company.sharing.identity

    async def opened(**policy: Any) -> Any:
        rewire(company.sharing, identity=Strict(below, SharingPolicy(**policy)))
        return await company.sharing.handle(OpenLink(issued.token, None, ORIGIN))

    assert await opened(password_required=True) == LinkNotFound()
    assert await opened(links_allowed=False) == LinkNotFound()
    guest = await opened(longest_life=WEEK)
    assert isinstance(guest, Principal)
    assert guest.drop is not None
    assert guest.drop.closes_at == now + WEEK
    own = await company.sharing.handle(DescribeOwnLink(Caller(guest, ORIGIN)))
    assert own.expires_at == now + WEEK
    company.files.clock.advance(WEEK.total_seconds() + 3_600)
    assert await opened(longest_life=WEEK) == LinkNotFound()
    assert isinstance(await opened(), Principal)
