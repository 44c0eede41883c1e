"""Upload sessions as their owner sees them, over the real storage room."""

from attrs import evolve

from bitvault.actors.files.contract import (
    AbortUpload,
    DescribeUpload,
    InitUploads,
    ListUploads,
    Target,
    UploadDraft,
    UploadOpened,
    UploadPlan,
)
from bitvault.actors.storage.contract import PlanObjects
from bitvault.drivers.objects.memory import MemoryObjectStore
from tests.actors.files.conftest import Direct, World, send, sha256
from tests.support.rewiring import rewire

SINGLE = UploadPlan("single", 0, 0)
MULTIPART = UploadPlan("multipart", 16 << 20, 1)


async def opened(world: World, *sizes: int) -> list[UploadOpened]:
    """Open uploads of these sizes; beyond 1 KiB they go up in parts."""
    drafts = tuple(
        UploadDraft(size, Target(path=f"/{i}"), hash=None if size > 1024 else sha256("x" * size))
        for i, size in enumerate(sizes)
    )
    answers = await world.ask(InitUploads(world.caller(), drafts))
    assert all(isinstance(one, UploadOpened) for one in answers)
    return list(answers)


async def test_a_list_tells_each_plan(real: World, direct: Direct) -> None:
    """Every open upload has the plan it was opened with, and storage is asked once for a page."""
    uploads = await opened(real, 5, 2048, 1024)
    direct.heard.clear()

    page = await real.ask(ListUploads(real.caller(), limit=2))

    assert [(one.size, one.plan) for one in page.items] == [(1024, SINGLE), (2048, MULTIPART)]
    assert [type(one) for one in direct.heard] == [PlanObjects]
    rest = await real.ask(ListUploads(real.caller(), page.next_cursor, limit=2))
    assert [one.plan for one in rest.items] == [uploads[0].plan] == [SINGLE]


async def test_a_closed_upload_tells_its_plan(real: World, objects: MemoryObjectStore) -> None:
    """Committed and aborted uploads are described with the plan they had."""
    small, large = await opened(real, 5, 2048)
    await send(objects, small.transfers[0], b"xxxxx")
    await real.commit(small, "xxxxx")
    await real.ask(AbortUpload(real.caller(), large.upload_id))

    states = [
        await real.ask(DescribeUpload(real.caller(), one.upload_id)) for one in (small, large)
    ]

    assert [(one.state, one.plan) for one in states] == [
        ("committed", SINGLE),
        ("aborted", MULTIPART),
    ]


async def test_a_plan_outlives_the_setting_it_came_from(real: World, direct: Direct) -> None:
    """With another bound for single PUTs an open upload still has the plan its parts follow."""
    (upload,) = await opened(real, 2048)
    rewire(direct.room, options=evolve(direct.room.options, single_max=4096))

    (state,) = (await real.ask(ListUploads(real.caller()))).items

    assert state.plan == upload.plan == MULTIPART
