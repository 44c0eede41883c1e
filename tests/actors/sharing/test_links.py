"""Links: what whoever has the token may do, and how that ends."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
import trio
from attrs import evolve

from bitvault.actors.audit.actor import Audit
from bitvault.actors.audit.actor.downloads import Downloads
from bitvault.actors.audit.contract import Download, RecordDownloads
from bitvault.actors.files.contract import (
    Apply,
    ContentDraft,
    GetContents,
    GetNode,
    GetSpace,
    ListSpaces,
    MakeFolder,
    NodeNotFound,
    SpaceNotFound,
    Target,
    Written,
)
from bitvault.actors.identity.contract import ChangeTenant, ChangeUser
from bitvault.actors.sharing.contract import (
    ChangeLink,
    CountDownloads,
    CreateLink,
    DeleteLink,
    DescribeOwnLink,
    GetLink,
    GrantNotFound,
    Link,
    LinkIssued,
    LinkNotFound,
    LinkTerms,
    ListLinks,
    OpenLink,
    StaleLink,
    TooManyLinks,
)
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.access import EVERYONE, Role
from bitvault.kernel.ids import NodeId, TenantId
from bitvault.kernel.principal import Caller, Idempotency, Origin, Principal
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid, Unavailable
from tests.actors.files.conftest import Direct
from tests.actors.sharing.conftest import Company

ORIGIN = Origin("r", "192.0.2.1", "pytest")


WEST, EAST = timezone(timedelta(hours=-12)), timezone(timedelta(hours=12))


async def make(company: Company, node_id: NodeId, name: str = "ann", **terms: Any) -> Any:
    """Have somebody make a link."""
    asked = CreateLink(company.caller(name), node_id, LinkTerms(**terms))
    return await company.sharing.handle(asked)


async def come(company: Company, issued: LinkIssued, password: str | None = None) -> Any:
    """Come with a link: a caller, or the refusal."""
    answer = await company.sharing.handle(OpenLink(issued.token, password, ORIGIN))
    return Caller(answer, ORIGIN) if isinstance(answer, Principal) else answer


async def change(company: Company, link: Link, **more: Any) -> Any:
    """Change a link's terms, keeping its password."""
    terms = LinkTerms(
        more.pop("role", link.role), more.pop("label", link.label), None,
        more.pop("expires_at", link.expires_at), more.pop("max_downloads", link.max_downloads),
        more.pop("request", link.request),
    )  # fmt: skip
    asked = ChangeLink(
        company.caller(more.pop("name", "ann")),
        link.link_id,
        terms,
        keeps_password=True,
        is_revoked=more.pop("is_revoked", link.is_revoked),
        **more,
    )
    return await company.sharing.handle(asked)


@pytest.fixture
async def top(company: Company) -> NodeId:
    """Return a folder with a file in it."""
    await company.put("ann", "/secret/top/f")
    return await company.folder("ann", "/secret/top")


async def test_a_guest_reads_what_the_link_leads_to(company: Company, top: NodeId) -> None:
    """The folder and all below it, from a path that begins there; nothing else in the tenant."""
    other = await company.folder("ann", "/all")
    await company.share("ann", other, EVERYONE, Role.EDITOR)
    guest = await come(company, await make(company, top))

    node = await company.files.ask(GetNode(guest, Target(path=f"{top}:/f")))
    assert node.path == "/top/f"
    (content,) = await company.files.ask(
        GetContents(guest, (ContentDraft(Target(path=f"{top}:/f")),))
    )
    assert content.size == 4
    refused = await company.files.apply(
        MakeFolder(parent=Target(node_id=top), name="x"), caller=guest
    )
    assert isinstance(refused, Forbidden)
    assert isinstance(await company.files.ask(GetNode(guest, Target(node_id=other))), NodeNotFound)


@pytest.mark.requirement("X26")
async def test_a_guest_has_nothing_of_their_own(company: Company, top: NodeId) -> None:
    """No personal space is made for one, whatever they ask."""
    guest = await come(company, await make(company, top, role=Role.EDITOR))

    missing = SpaceNotFound("personal")
    assert await company.files.ask(GetNode(guest, Target(path="/"))) == missing
    assert await company.files.ask(ListSpaces(guest)) == missing
    made = Apply(guest, (MakeFolder(Target(path="/x")),))
    assert await company.files.ask(made) == missing


async def test_an_editors_link_writes_there(company: Company, top: NodeId) -> None:
    """What a guest puts in counts as the owner's space's."""
    guest = await come(company, await make(company, top, role=Role.EDITOR))

    written = await company.files.put(f"{top}:/new", "text", guest)

    assert isinstance(written, Written)
    assert await company.names("ann", top) == ["f", "new"]


@pytest.mark.requirement("X32", "X36")
async def test_ended_links_look_like_none(company: Company, top: NodeId) -> None:
    """Unknown, revoked, expired, used up, deleted: one answer, at once for a guest inside."""
    revoked, expiring, used, deleted = [
        await make(company, top),
        await make(company, top, expires_at=company.files.clock.now() + timedelta(hours=1)),
        await make(company, top, max_downloads=1),
        await make(company, top),
    ]
    inside = await come(company, revoked)
    await change(company, revoked.link, is_revoked=True)
    guest = await come(company, used)
    assert await company.sharing.handle(CountDownloads(guest, 1)) is None
    assert await company.sharing.handle(CountDownloads(guest, 1)) == LinkNotFound()
    assert (
        await company.sharing.handle(DeleteLink(company.caller("ann"), deleted.link.link_id))
        is None
    )
    company.files.clock.advance(7200)

    for issued in (revoked, expiring, used, deleted):
        assert await come(company, issued) == LinkNotFound()
    for token in ("bvl_" + "x" * 32, "bvl_", "nonsense", "bvl_ü"):
        unknown = await company.sharing.handle(OpenLink(token, "password", ORIGIN))
        assert unknown == LinkNotFound()
    assert isinstance(await company.files.ask(GetNode(inside, Target(node_id=top))), NodeNotFound)


@pytest.mark.requirement("X35")
async def test_a_download_that_is_not_recorded_is_not_counted(
    company: Company, top: NodeId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the trail has no room the link keeps its download; what it refuses leaves no trail."""
    monkeypatch.setattr("bitvault.actors.audit.actor._PATIENCE", 0.0)
    guest = await come(company, await make(company, top, max_downloads=1))
    record = RecordDownloads(guest, (Download(top, 1, 4),))
    sharing: Any = Direct(company.sharing)  # type: ignore[arg-type]  # any room will do
    clock, ids = company.files.clock, company.files.ids

    def audit(downloads: Downloads) -> Audit:
        return Audit(company.files.database, downloads, sharing, clock, ids)

    full, free = Downloads(most=0), Downloads(most=4)
    assert await audit(full).handle(record) == Unavailable("audit trail")
    assert await audit(free).handle(record) is None
    again = evolve(record, downloads=(Download(top, 2, 4),))
    free.done(free.next_batch(1))
    assert await audit(free).handle(again) == LinkNotFound()
    assert free.waiting == 0
    owner = evolve(again, caller=company.caller("ann"))
    assert (await audit(free).handle(owner), free.waiting) == (None, 1)


@pytest.mark.requirement("X35")
async def test_one_download_is_one_however_many_come_at_once(company: Company, top: NodeId) -> None:
    """Fifty guests at once at a link with one download: one has it, the others find no link."""
    guest = await come(company, await make(company, top, max_downloads=1))
    told = []

    async def download() -> None:
        told.append(await company.sharing.handle(CountDownloads(guest, 1)))

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(download)
    assert sorted(told, key=str) == [*[LinkNotFound()] * 49, None]


_EVENTS = Query(
    "events", "SELECT kind FROM outbox.event WHERE aggregate_id = $1 ORDER BY seq", ("about",)
)


async def _told(company: Company, link_id: UUID) -> list[str]:
    """Return what the journal tells of a link."""

    async def work(tx: Transaction) -> list[str]:
        return [row["kind"] for row in await tx.fetch(_EVENTS, about=link_id)]

    return await company.files.database.read(company.tenant_id, work)


async def test_a_link_is_made_once_under_a_key(company: Company, top: NodeId) -> None:
    """The repeat shows a token of the same link, and tells that the first one has ended.

    Another request under the key is refused.
    """
    ann = company.caller("ann")
    key = Idempotency("k", b"made of the request")
    wanted = CreateLink(evolve(ann, idempotency=key), top, LinkTerms(label="one"))
    first, again = [await company.sharing.handle(wanted) for _ in range(2)]

    assert again.link == evolve(first.link, revision=2)
    assert await _told(company, first.link.link_id) == ["share.link_created", "share.link_changed"]
    assert await come(company, first) == LinkNotFound()
    assert isinstance(await come(company, again), Caller)
    other = evolve(ann, idempotency=Idempotency("k", b"made of another"))
    refused = await company.sharing.handle(evolve(wanted, caller=other))
    assert refused == IdempotencyConflict()
    page = await company.sharing.handle(ListLinks(ann, top, None, 10))
    assert [link.label for link in page.items] == ["one"]


async def test_a_key_of_a_link_ends(company: Company, top: NodeId) -> None:
    """After a day the same request is another link's, and repeated as such; the old one stays."""
    ann = company.caller("ann")
    wanted = CreateLink(evolve(ann, idempotency=Idempotency("k", b"x")), top, LinkTerms())
    first = await company.sharing.handle(wanted)
    company.files.clock.advance(86_399)
    assert (await company.sharing.handle(wanted)).link.link_id == first.link.link_id
    company.files.clock.advance(1)
    second, again = [await company.sharing.handle(wanted) for _ in range(2)]
    assert second.link.link_id == again.link.link_id != first.link.link_id
    other = evolve(ann, idempotency=Idempotency("k", b"y"))
    refused = await company.sharing.handle(evolve(wanted, caller=other))
    assert refused == IdempotencyConflict()
    page = await company.sharing.handle(ListLinks(ann, top, None, 10))
    assert {one.link_id for one in page.items} == {first.link.link_id, second.link.link_id}


async def test_a_revoked_link_can_be_revived(company: Company, top: NodeId) -> None:
    """With the same token; an expired one needs a new end."""
    issued = await make(company, top)
    revoked = await change(company, issued.link, is_revoked=True)
    assert await come(company, issued) == LinkNotFound()

    assert isinstance(await change(company, revoked, label="x" * 129), Invalid)
    revived = await change(company, revoked, is_revoked=False)

    assert (revived.is_revoked, revived.revision) == (False, 3)
    guest = await come(company, issued)
    own = await company.sharing.handle(DescribeOwnLink(guest))
    assert own == revived


@pytest.mark.requirement("X28")
async def test_the_links_of_a_disabled_user_lead_nowhere(company: Company, top: NodeId) -> None:
    """Until the user is enabled again; a suspended tenant's guests may change nothing."""
    await company.share("ann", top, "ben", Role.MANAGER)
    issued = await make(company, top, "ben")
    user_id = company.people["ben"].user_id
    for is_disabled in (True, False):
        asked = ChangeUser(company.caller("ann"), user_id, is_disabled=is_disabled)
        await company.identity.handle(asked)
        came = await come(company, issued)
        assert (came == LinkNotFound()) == is_disabled
    assert not came.principal.is_suspended
    elsewhere = TenantId(UUID(int=4))
    who = evolve(company.people["ann"], is_operator=True, tenant_id=elsewhere)
    operator = Caller(who, ORIGIN)
    suspend = ChangeTenant(operator, company.tenant_id, is_suspended=True)
    await company.identity.handle(suspend)
    assert (await come(company, issued)).principal.is_suspended


@pytest.mark.requirement("X27", "X30")
async def test_only_who_may_share_governs_links(company: Company, top: NodeId) -> None:
    """An editor sees no link and makes none; to a stranger there is none."""
    await company.share("ann", top, "ben", Role.EDITOR)
    issued = await make(company, top)
    link_id = issued.link.link_id

    assert isinstance(await make(company, top, "ben"), Forbidden)
    for name, refusal in (("ben", Forbidden("say who may do what")), ("cat", LinkNotFound())):
        for message in (
            GetLink(company.caller(name), link_id),
            DeleteLink(company.caller(name), link_id),
        ):
            assert await company.sharing.handle(message) == refusal
        assert await change(company, issued.link, is_revoked=True, name=name) == refusal
    assert isinstance(
        await company.sharing.handle(ListLinks(company.caller("ben"), top)), Forbidden
    )
    assert await company.unshare("ann", top, link_id) == GrantNotFound()
    assert isinstance(await come(company, issued), Caller)
    assert (await company.sharing.handle(GetLink(company.caller("ann"), link_id))) == issued.link


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"role": Role.MANAGER}, "role"),
        ({"label": "x" * 129}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"password": "short"}, "password"),
        ({"max_downloads": 0}, "maxDownloads"),
        ({"expires_at": datetime(9999, 12, 31, 23, 59, tzinfo=WEST)}, "expiresAt"),
        ({"expires_at": datetime(1, 1, 1, tzinfo=EAST)}, "expiresAt"),
        (
            {"expires_at": datetime(9999, 12, 31, 23, 30, tzinfo=UTC), "role": Role.UPLOADER},
            "expiresAt",
        ),
    ],
    ids=repr,
)
async def test_wrong_terms_make_no_link(
    company: Company, top: NodeId, terms: dict[str, Any], field: str
) -> None:
    """The field is named, and there is no link."""
    answer = await make(company, top, **terms)
    assert isinstance(answer, Invalid)
    assert answer.field == field
    root = (await company.files.ask(GetSpace(company.caller("ann")))).root_id
    assert (await make(company, root)).field == "id"
    past = await make(company, top, expires_at=company.files.clock.now())
    assert past == Invalid("expiresAt", "must be in the future")
    assert (await company.sharing.handle(ListLinks(company.caller("ann"), top))).items == ()


async def test_a_link_that_changed_meanwhile_is_left_alone(
    company: Company, top: NodeId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If-Match holds; and a node has no more links than it may."""
    issued = await make(company, top)
    stale = await change(company, issued.link, is_revoked=True, if_revision=7)
    assert stale == StaleLink(1)
    monkeypatch.setattr("bitvault.actors.sharing.rules.links.MOST_LINKS", 1)
    assert await make(company, top) == TooManyLinks(1)
    unknown = await company.sharing.handle(GetLink(company.caller("ann"), UUID(int=3)))
    assert unknown == LinkNotFound()
    assert (await company.sharing.handle(ListLinks(company.caller("ann"), top))).items == (
        issued.link,
    )
