"""What guests begin and leave lying takes nothing from others for long, nor all of it at once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import trio
from attrs import define, evolve

from bitvault.actors.files.contract import (
    CreateSpace,
    DescribeUpload,
    ExpireUploads,
    InitUploads,
    QuotaExceeded,
    SignUploadParts,
    Target,
    UpdateSpace,
    UploadClosed,
    UploadDraft,
    UploadOpened,
    Written,
)
from bitvault.actors.files.rules.drops import lives_until
from bitvault.actors.sharing.contract import DeleteLink
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId, TenantId, UserId
from bitvault.kernel.principal import Caller, Drop, Principal
from bitvault.kernel.refusal import Refusal
from tests.actors.files.conftest import sha256
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import change, come, make
from tests.actors.sharing.test_requests import ONE, ask_for

START = datetime(2030, 1, 1, tzinfo=UTC)


@define(eq=False)
class Box:
    """A folder of a space with a quota of 100 bytes, and a link to it."""

    company: Company
    node_id: NodeId
    issued: Any
    guest: Caller

    async def begin(self, size: int, name: str = "f", caller: Caller | None = None) -> Any:
        """Begin an upload; as the guest if nobody else is named."""
        asked = caller or self.guest
        sender = ONE if asked.principal.drop else None
        target = Target(path=f"{self.node_id}:/{name}")
        draft = UploadDraft(size, target, hash=sha256(name), sender=sender)
        (answer,) = await self.company.files.ask(InitUploads(asked, (draft,)))
        return answer

    @property
    def ann(self) -> Caller:
        """Return whose folder it is."""
        return self.company.caller("ann")


@pytest.fixture(params=["request", "editor"])
async def box(company: Company, request: pytest.FixtureRequest) -> Box:
    """Return a box with a file request, and one with an editor's link."""
    ann = company.caller("ann")
    space = await company.files.ask(CreateSpace(ann, "Team"))
    await company.files.ask(UpdateSpace(ann, space.space_id, quota=100))
    node_id = await company.folder("ann", "Team:/in")
    if request.param == "request":
        issued = await ask_for(company, node_id)
    else:
        issued = await make(company, node_id, role=Role.EDITOR)
    return Box(company, node_id, issued, await come(company, issued))


async def test_a_link_leaves_half_of_what_is_left(box: Box) -> None:
    """Whatever its guests begin, at once or one by one, the owner can still put something in."""
    assert await box.begin(51) == QuotaExceeded(51, None)
    answers: list[Any] = []

    async def one(number: int) -> None:
        answers.append(await box.begin(10, f"f{number}"))

    async with trio.open_nursery() as nursery:
        for number in range(12):
            nursery.start_soon(one, number)
    opened = [one for one in answers if isinstance(one, UploadOpened)]
    refused = [one for one in answers if isinstance(one, Refusal)]
    assert (len(opened), refused) == (5, [QuotaExceeded(10, None)] * 7)
    assert isinstance(await box.begin(0, "empty"), UploadOpened)
    assert isinstance(await box.begin(50, "own", box.ann), UploadOpened)


async def test_without_a_quota_there_is_no_share(company: Company) -> None:
    """What nobody bounds, a link need not leave half of."""
    node_id = await company.folder("ann", "/in")
    guest = await come(company, await ask_for(company, node_id))
    box = Box(company, node_id, None, guest)
    assert isinstance(await box.begin(1 << 40), UploadOpened)


@pytest.mark.parametrize("how", ["revoked", "deleted"])
async def test_the_end_of_a_link_ends_its_uploads(box: Box, how: str) -> None:
    """And gives back what they reserved; what was committed stays."""
    kept = await box.company.files.commit(await box.begin(4, "text"), "text", box.guest)
    assert isinstance(kept, Written)
    opened = await box.begin(48)
    own = await box.begin(48, "own", box.ann)

    if how == "revoked":
        await change(box.company, box.issued.link, is_revoked=True)
    else:
        await box.company.sharing.handle(DeleteLink(box.ann, box.issued.link.link_id))

    assert box.company.files.storage.discarded == [opened.upload_id]
    assert isinstance(await box.begin(48, "more", box.ann), UploadOpened)
    again = SignUploadParts(box.guest, opened.upload_id, ())
    assert await box.company.files.ask(again) == UploadClosed("aborted")
    assert (await box.company.files.ask(DescribeUpload(box.ann, own.upload_id))).state == "open"


async def test_what_a_guest_leaves_lying_expires_soon(box: Box) -> None:
    """Two hours after it was last gone on with, and never later than anybody's."""
    clock, files = box.company.files.clock, box.company.files
    left, used = await box.begin(20, "left"), await box.begin(20, "used")
    for look in (SignUploadParts(box.guest, used.upload_id, ()),) * 2 + (
        DescribeUpload(box.guest, used.upload_id),
    ):
        clock.advance(3_600)
        assert not isinstance(await files.ask(look), Refusal)

    assert await files.ask(ExpireUploads()) == 1
    assert files.storage.discarded == [left.upload_id]
    clock.advance(7_000)
    assert await files.ask(ExpireUploads()) == 0
    clock.advance(200)
    assert await files.ask(ExpireUploads()) == 1
    assert isinstance(await box.begin(50, "more"), UploadOpened)


def test_nobody_renews_beyond_the_end() -> None:
    """Neither beyond the lifetime of any upload, nor beyond what a file request allows."""
    user = Principal(TenantId(UUID(int=1)), UserId(UUID(int=2)), "x", False, UUID(int=3))
    guest, hours = evolve(user, is_guest=True), [START + timedelta(hours=n) for n in range(30)]

    def ends(who: Principal, now: datetime) -> datetime:
        return lives_until(who, START, now, timedelta(hours=24), timedelta(hours=2))

    assert [ends(user, hours[n]) for n in (0, 23)] == [hours[24]] * 2
    assert [ends(guest, hours[n]) for n in (0, 21, 23)] == [hours[2], hours[23], hours[24]]
    asked = evolve(guest, drop=Drop(hours[3], hours[4]))
    assert [ends(asked, hours[n]) for n in (0, 3)] == [hours[2], hours[4]]
