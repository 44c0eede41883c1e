"""Stores that prove nothing: the bytes are frozen where nobody can write, and read there."""

import attrs
import pytest

from bitvault.actors.storage import contract as c
from bitvault.drivers.objects.port import Capabilities
from bitvault.drivers.objects.signing import PROVEN
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import UploadId
from tests.support.determinism import FixedClock, SequenceIds

from .conftest import BIG, Box, claim, make_box, of_parts

LIES = [
    attrs.evolve(PROVEN, write_once=False),
    attrs.evolve(PROVEN, signed_checksum=False),
    attrs.evolve(PROVEN, signed_length=False, signed_checksum=False, write_once=False),
]


@pytest.fixture(params=LIES, ids=["rewrites", "any-bytes", "anything"])
def lying_box(
    request: pytest.FixtureRequest,
    database: PostgresDatabase,
    clock: FixedClock,
    ids: SequenceIds,
) -> Box:
    """A room over a store that breaks a promise."""
    can: Capabilities = request.param
    return make_box(database, clock, ids, can=can)


@pytest.mark.requirement("X38")
async def test_an_old_url_cannot_change_what_is_sealed(lying_box: Box) -> None:
    """The late PUT succeeds at its old key, and nobody reads there any more."""
    draft, transfer = await lying_box.uploaded(b"hello")
    (verified,) = await lying_box.verify(claim(draft))

    await lying_box.put(transfer, b"hello")

    assert isinstance(verified, c.ObjectVerified)
    assert verified.key not in transfer.url
    assert await lying_box.bytes_at(verified.key) == b"hello"
    assert await lying_box.verify(claim(draft)) == (verified,)


async def test_other_bytes_are_found_by_reading(
    database: PostgresDatabase, clock: FixedClock, ids: SequenceIds
) -> None:
    """A store that takes any bytes is read before anything is sealed."""
    box = make_box(database, clock, ids, can=LIES[2])
    draft = box.draft(b"hello")
    (opened,) = await box.open(draft)
    assert (await box.put(opened.transfers[0], b"HELLO")).accepted

    assert await box.verify(claim(draft)) == (c.BytesMismatch("hash"),)
    assert len(await box.store.list_prefix("", 10)) == 1
    assert await box.events() == []


async def test_a_batch_is_not_believed_by_listing(
    database: PostgresDatabase, clock: FixedClock, ids: SequenceIds
) -> None:
    """Existence proves nothing here, so each object is read."""
    box = make_box(database, clock, ids, can=LIES[2])
    drafts = [box.draft(b"hello") for _ in range(5)]
    for opened in await box.open(*drafts):
        assert (await box.put(opened.transfers[0], b"HELLO")).accepted

    assert await box.verify(*map(claim, drafts)) == (c.BytesMismatch("hash"),) * 5


@pytest.mark.parametrize("sent", [b"z", b"y"])
async def test_parts_are_read_where_they_prove_nothing(
    database: PostgresDatabase, clock: FixedClock, ids: SequenceIds, sent: bytes
) -> None:
    """Without part checksums the completed object is read, part by part."""
    can = attrs.evolve(PROVEN, part_checksum=False, composite_checksum=False)
    box = make_box(database, clock, ids, can=can, single_max=1)
    data = b"z" * 10
    draft = c.ObjectDraft(UploadId(ids.uuid7()), 10, of_parts(data))
    await box.open(draft)
    parts = (c.PartDraft(1),)
    (transfer,) = await box.ask(c.SignParts(box.tenant, draft.upload_id, parts))
    assert (await box.put(transfer, sent * 10)).accepted

    (answer,) = await box.verify(claim(draft))

    assert draft.size < BIG
    assert isinstance(answer, c.ObjectVerified if sent == b"z" else c.BytesMismatch)
