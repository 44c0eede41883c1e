"""Repeats and refusals: the same answer again, and nothing changed."""

from bitvault.actors.files.contract import (
    GetSpace,
    IfExists,
    InitUploads,
    ListChildren,
    MakeFolder,
    Target,
    TrashNode,
    UploadDraft,
    UploadOpened,
    UploadUnneeded,
)
from bitvault.kernel.refusal import Refusal, Unavailable
from tests.actors.files.conftest import World, sha256
from tests.support.postgres import unchanged


async def test_a_repeated_init_opens_nothing_new(world: World) -> None:
    """The same Idempotency-Key answers the same upload."""
    caller = world.caller(key="k")
    first = await world.init("/f", "x", caller)

    assert (await world.init("/f", "x", caller)).upload_id == first.upload_id


async def test_a_repeated_apply_answers_the_same(world: World) -> None:
    """A retried mkdir is not refused for its own folder."""
    caller = world.caller(key="k")
    first = await world.apply(MakeFolder(Target(path="/a")), caller=caller)

    assert await world.apply(MakeFolder(Target(path="/a")), caller=caller) == first


async def test_own_content_need_not_be_sent_again(world: World) -> None:
    """Dedup serves who can read the content, and is silent to anybody else."""
    await world.put("/f", "x")

    assert isinstance(await world.init("/g", "x"), UploadUnneeded)
    assert isinstance(await world.init("/g", "x", world.caller(2)), UploadOpened)


async def test_a_refused_commit_changes_nothing(world: World) -> None:
    """Without bytes, or into a folder that went to the trash, nothing is written."""
    await world.apply(MakeFolder(Target(path="/a")))
    upload = await world.init("/a/f", "x")
    await world.apply(TrashNode(Target(path="/a")))

    async with unchanged(world.database, "files", "outbox"):
        assert isinstance(await world.commit(upload, "x"), Refusal)


async def test_storage_down_releases_the_reservation(world: World) -> None:
    """An init that storage cannot serve leaves nothing reserved."""
    world.storage.down = True
    draft = UploadDraft(1, Target(path="/f"), hash=sha256("x"))

    answer = await world.ask(InitUploads(world.caller(), (draft,)))

    assert isinstance(answer, Unavailable)
    assert (await world.ask(GetSpace(world.caller()))).reserved == 0


async def test_an_outage_does_not_commit_twice(world: World) -> None:
    """What a batch committed without bytes stays its answer when storage opens the rest later."""
    await world.put("/f", "x")
    drafts = (
        UploadDraft(1, Target(path="/f"), hash=sha256("x"), if_exists=IfExists.RENAME),
        UploadDraft(1, Target(path="/g"), hash=sha256("y")),
    )
    request = InitUploads(world.caller(key="k"), drafts)
    world.storage.down = True
    assert isinstance(await world.ask(request), Unavailable)
    world.storage.down = False

    copied, opened = await world.ask(request)

    page = await world.ask(ListChildren(world.caller(), Target(path="/")))
    assert [node.name for node in page.items] == ["f", "f (2)"]
    assert copied.written.node.name == "f (2)"
    assert isinstance(opened, UploadOpened)
