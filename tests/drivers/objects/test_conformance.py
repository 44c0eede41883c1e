"""One suite for every object store: what the port promises, from the client's side too."""

import contextlib
import hashlib

import pytest
from aiobotocore.session import get_session
from attrs import evolve

from bitvault.drivers import aio
from bitvault.drivers.objects.port import MultipartGone, MultipartInvalid
from bitvault.drivers.objects.s3 import (
    S3ObjectStore,
    S3Options,
    _client_arguments,
    _heads,
    open_objects,
)
from bitvault.drivers.objects.signing import PROVEN
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import SystemIds
from bitvault.kernel.refusal import DependencyDown

from .conftest import KEYS, Place, options_for, real


def digest(data: bytes) -> bytes:
    """Return the raw SHA-256."""
    return hashlib.sha256(data).digest()


async def put(place: Place, key: str, data: bytes) -> None:
    """Send bytes as a client would."""
    signed = place.store.sign_put(key, len(data), digest(data), 60)
    assert (await place.send(signed, data)).accepted


async def send_part(place: Place, key: str, multipart_id: str, number: int, data: bytes) -> None:
    """Send a part as a client would."""
    signed = place.store.sign_part(key, multipart_id, number, len(data), digest(data), 60)
    assert (await place.send(signed, data)).accepted


async def test_an_honest_store_keeps_every_promise(place: Place) -> None:
    """The probe finds nothing to distrust."""
    assert place.store.capabilities == PROVEN


async def test_bytes_come_back(place: Place) -> None:
    """HEAD vouches for what was PUT, and a signed GET gives it with the headers asked for."""
    await put(place, "blobs/a/1", b"hello")
    info = await place.store.head("blobs/a/1")
    signed = place.store.sign_get("blobs/a/1", 60, "text/plain", 'attachment; filename="x y"')
    got = await place.send(signed, b"")

    assert info is not None
    assert (info.size, info.sha256, info.parts) == (5, digest(b"hello"), 0)
    assert (got.status, got.body) == (200, b"hello")


async def test_an_empty_object_is_an_object(place: Place) -> None:
    """Zero bytes are bytes."""
    await put(place, "blobs/empty/1", b"")

    info = await place.store.head("blobs/empty/1")

    assert info is not None
    assert (info.size, info.sha256) == (0, digest(b""))


async def test_nothing_is_none(place: Place) -> None:
    """HEAD of nothing is None; reading and deleting it is no error."""
    assert await place.store.head("blobs/none") is None
    assert await place.store.sha256_of("blobs/none", None) is None
    await place.store.delete("blobs/none")


async def test_list_is_in_key_order_and_bounded(place: Place) -> None:
    """LIST gives the first keys below a prefix with their sizes."""
    for name in ("c", "a", "b"):
        await put(place, f"blobs/list/{name}", name.encode() * 3)

    found = await place.store.list_prefix("blobs/list/", 2)

    assert [(i.key, i.size) for i in found] == [("blobs/list/a", 3), ("blobs/list/b", 3)]


async def test_parts_become_one_object(place: Place) -> None:
    """The composite checksum is over the part digests; afterwards the upload is gone."""
    key = "blobs/mp/1"
    upload = await place.store.create_multipart(key)
    parts = [b"x" * 16, b"y" * 16, b"z"]
    for number in (3, 1, 2):
        await send_part(place, key, upload, number, parts[number - 1])
    listed = await place.store.list_parts(key, upload)
    await place.store.complete_multipart(key, upload, listed)
    info = await place.store.head(key)

    assert [(p.number, p.size, p.sha256) for p in listed] == [
        (n, len(d), digest(d)) for n, d in enumerate(parts, 1)
    ]
    assert info is not None
    assert (info.sha256, info.parts) == (digest(b"".join(map(digest, parts))), 3)
    assert await place.store.sha256_of(key, 16) == info.sha256
    with pytest.raises(MultipartGone):
        await place.store.list_parts(key, upload)
    with contextlib.suppress(MultipartGone):  # S3 answers a repetition as the first time, or so
        await place.store.complete_multipart(key, upload, listed)
    assert await place.store.head(key) == info


async def test_a_swapped_part_is_refused(place: Place) -> None:
    """Completion names etags; a part sent again in the meantime doesn't match."""
    key = "blobs/mp/2"
    upload = await place.store.create_multipart(key)
    await send_part(place, key, upload, 1, b"old")
    listed = await place.store.list_parts(key, upload)
    await send_part(place, key, upload, 1, b"new")

    with pytest.raises(MultipartInvalid):
        await place.store.complete_multipart(key, upload, listed)


async def test_an_aborted_upload_is_gone(place: Place) -> None:
    """Aborting twice is no error, and a late part finds nothing."""
    key = "blobs/mp/3"
    upload = await place.store.create_multipart(key)
    late = place.store.sign_part(key, upload, 1, 3, digest(b"abc"), 60)
    await place.store.abort_multipart(key, upload)
    await place.store.abort_multipart(key, upload)

    assert not (await place.send(late, b"abc")).accepted
    with pytest.raises(MultipartGone):
        await place.store.list_parts(key, upload)


async def test_unfinished_uploads_are_found_by_their_key(place: Place) -> None:
    """All of one key and of no other, until they are completed or aborted."""
    key = "blobs/mp/4"
    done, left = [await place.store.create_multipart(key) for _ in range(2)]
    other = await place.store.create_multipart(f"{key}0")
    assert sorted(await place.store.list_multiparts(key)) == sorted([done, left])

    await send_part(place, key, done, 1, b"z")
    parts = await place.store.list_parts(key, done)
    await place.store.complete_multipart(key, done, parts)
    assert list(await place.store.list_multiparts(key)) == [left]
    await place.store.abort_multipart(key, left)

    assert list(await place.store.list_multiparts(key)) == []
    assert list(await place.store.list_multiparts(f"{key}0")) == [other]
    assert await place.store.sha256_of(key, None) == digest(b"z")


async def test_copy_only_of_what_was_seen(place: Place) -> None:
    """A copy names the etag it saw; another etag copies nothing."""
    await put(place, "blobs/copy/1", b"bytes")
    info = await place.store.head("blobs/copy/1")
    assert info is not None

    assert not await place.store.copy("blobs/copy/1", "blobs/copy/2", '"0123"')
    assert await place.store.head("blobs/copy/2") is None
    assert await place.store.copy("blobs/copy/1", "blobs/copy/2", info.etag)
    assert await place.store.sha256_of("blobs/copy/2", None) == digest(b"bytes")


async def test_the_liar_is_caught(liar_options: S3Options) -> None:
    """A store that takes any bytes for a signed checksum is not believed."""
    async with real(liar_options) as place:
        can = place.store.capabilities

    assert not can.signed_checksum
    assert not can.write_once
    assert not can.part_checksum
    assert can.forged_signature_refused


async def test_a_store_that_does_not_let_us_list_uploads_has_none(objectd: str) -> None:
    """A server's key without that right is neither a crash nor the store being down."""
    options = evolve(options_for(objectd), server_key=KEYS["w"])
    async with aio.open_loop():
        opening = get_session().create_client("s3", **_client_arguments(options))
        client = await aio.call(opening.__aenter__)
        clock = SystemClock()
        store = S3ObjectStore(client, _heads(options, clock), options, clock, PROVEN)
        with pytest.raises(DependencyDown, match=r"credentials_file.*AccessDenied"):
            await store.list_prefix("blobs/", 1)

        assert list(await store.list_multiparts("blobs/mp/5")) == []

        await aio.call(opening.__aexit__, None, None, None)


async def test_no_store_is_a_dependency_down(free_port: int) -> None:
    """Nobody listening is not a crash but the state of the world."""
    options = options_for(f"http://127.0.0.1:{free_port}")
    async with aio.open_loop():
        with pytest.raises(DependencyDown, match="object store"):
            async with open_objects(options, SystemClock(), SystemIds()):
                pass
