"""The power fails at every effect on the disk: what was acknowledged is there, nothing is torn."""

import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import pytest
import trio

from bitvault.objectd import router
from bitvault.objectd.blobs import BlobFiles
from bitvault.objectd.body import Body
from bitvault.objectd.credentials import Key
from bitvault.objectd.disk import RealDisk
from bitvault.objectd.errors import StorageError
from bitvault.objectd.operation import Call, Content, Limits, Response
from bitvault.objectd.request import parse_request
from bitvault.objectd.sigv4 import UNSIGNED, Claim
from bitvault.objectd.store import Store

from .power import LUCK, NotingDisk, Step, cut

BUCKET = "cuts"
SMALL, LARGE, OTHER = b"small", bytes(range(250)) * 200, b"other" * 9_000
CLAIM = Claim("admin", "", "", (), "", UNSIGNED, None)
ADMIN = Key("admin", "", ("admin",))
Value = tuple[bytes, str] | None
"""An object's bytes and its type; None where there is none."""


@attrs.define(eq=False)
class Client:
    """Asks a store in this process, and notes what it was told."""

    store: Store
    steps: list[Step] = attrs.Factory(list)
    told: dict[str, Value] = attrs.Factory(dict)
    parts: dict[int, bytes] = attrs.Factory(dict)

    async def ask(
        self, method: str, target: str, body: bytes = b"", **headers: str
    ) -> tuple[Response, bytes]:
        """Have one request answered; with the content of its answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"content-length": str(len(body))}
        pairs = [(name.encode(), value.encode()) for name, value in named.items()]
        request = parse_request(method, f"/{BUCKET}/{target}", pairs)
        incoming = Body(len(body), bytearray(body), never, None)
        call = Call(request, incoming, CLAIM, ADMIN, self.store, Limits(1), lambda: 1e9)
        response = await router.route(request).handler(call)
        if not isinstance(response.body, Content):
            return response, response.body
        try:
            return response, self._read(response.body)
        finally:
            self.store.release(response.body.opened)

    def _read(self, content: Content) -> bytes:
        data = b""
        for segment in content.opened.segments:
            if segment.data is None:
                data += self.bytes_of(segment.blob)
            else:
                data += segment.data
        return data

    def bytes_of(self, blob: int) -> bytes:
        """What a blob's file holds."""
        with os.fdopen(self.store.files.open(blob), "rb") as file:
            return file.read()

    def note(self, key: str, *values: object) -> None:
        """From here on a cut may leave one of these."""
        self.steps.append(Step("note", value=(key, values)))

    async def change(
        self, key: str, value: Value, target: str, method: str = "PUT", **headers: str
    ) -> None:
        """Ask for a change; until it is acknowledged the key may be as before or as after."""
        before = self.told.get(key)
        self.note(key, before, value)
        body = b"" if value is None or "x_amz_copy_source" in headers else value[0]
        await self.ask(method, target, body, **headers)
        self.told[key] = value
        self.note(key, value)

    async def put(self, key: str, data: bytes, kind: str = "text/plain") -> None:
        """Upload in one piece."""
        await self.change(key, (data, kind), key, content_type=kind)

    async def complete(self, key: str, upload: str, parts: Mapping[int, bytes]) -> None:
        """Complete an upload, whose parts become the key's bytes."""
        rows = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{hashlib.sha256(data).hexdigest()}"
            "</ETag></Part>"
            for number, data in parts.items()
        )
        value = b"".join(parts.values()), "binary/octet-stream"
        self.note(key, self.told.get(key), value)
        self.note("parts", self.parts, {})
        document = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        await self.ask("POST", f"{key}?uploadId={upload}", document)
        self.told[key], self.parts = value, {}
        self.note(key, value)
        self.note("parts", {})

    async def open_upload(self, key: str, parts: Mapping[int, bytes]) -> str:
        """Open an upload and send parts."""
        _, document = await self.ask("POST", f"{key}?uploads")
        upload = document.partition(b"<UploadId>")[2].partition(b"<")[0].decode()
        for number, data in parts.items():
            await self.send_part(key, upload, number, data)
        return upload

    async def send_part(
        self, key: str, upload: str, number: int, data: bytes, **copied: str
    ) -> None:
        """Send a part; once it is acknowledged it is there until the upload ends."""
        self.note("parts", self.parts, self.parts | {number: data})
        body = b"" if copied else data
        await self.ask("PUT", f"{key}?partNumber={number}&uploadId={upload}", body, **copied)
        self.parts = self.parts | {number: data}
        self.note("parts", self.parts)

    async def abort(self, key: str, upload: str) -> None:
        """Give an upload up."""
        self.note("parts", self.parts, {})
        await self.ask("DELETE", f"{key}?uploadId={upload}")
        self.parts = {}
        self.note("parts", {})

    async def received(self) -> dict[int, bytes]:
        """The parts that are there."""
        query = (
            "SELECT number, part.blob, bytes FROM part "
            "LEFT JOIN inline_blob ON inline_blob.blob = part.blob"
        )
        rows = await self.store.read(lambda db: db.execute(query).fetchall())
        return {
            number: self.bytes_of(blob) if data is None else data for number, blob, data in rows
        }

    async def value(self, key: str) -> Value:
        """What is there now, with its type; its ETag proves the bytes."""
        (found,) = await self.store.read(
            lambda db: [db.execute("SELECT 1 FROM object WHERE key = ?", [key.encode()]).fetchone()]
        )
        if found is None:
            return None
        response, data = await self.ask("GET", key)
        assert response.headers["content-length"] == str(len(data))
        if "-" not in response.headers["etag"]:
            assert response.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'
        return data, response.headers["content-type"]


async def never(_view: memoryview) -> int:
    """Nothing comes but what came with the head."""
    raise AssertionError("the body was all there")


async def upload(client: Client) -> None:
    """Upload small and large."""
    await client.put("small", SMALL)
    await client.put("large", LARGE, "image/png")


async def overwrite(client: Client) -> None:
    """Replace what is there, several times."""
    for data in (LARGE, OTHER, SMALL, LARGE):
        await client.put("key", data, f"text/{len(data)}")
        await client.store.tidy()


async def multipart(client: Client) -> None:
    """Upload in parts, replace one, leave one out."""
    upload_id = await client.open_upload("key", {1: LARGE, 2: SMALL, 3: OTHER})
    await client.send_part("key", upload_id, 1, OTHER)
    await client.store.tidy()
    await client.complete("key", upload_id, {1: OTHER, 2: SMALL})
    await client.store.tidy()


async def complete(client: Client) -> None:
    """Replace an object by an upload; abort another."""
    await client.put("key", LARGE)
    upload_id = await client.open_upload("key", {1: OTHER, 2: SMALL})
    await client.complete("key", upload_id, {1: OTHER, 2: SMALL})
    await client.store.tidy()
    aborted = await client.open_upload("key", {1: LARGE})
    await client.abort("key", aborted)
    await client.store.tidy()


async def delete(client: Client) -> None:
    """Delete what is there."""
    for data in (SMALL, LARGE):
        await client.put("key", data)
        await client.store.tidy()
        await client.change("key", None, "key", "DELETE")
        await client.store.tidy()


async def copy(client: Client) -> None:
    """Copy, then lose the source, then the copy."""
    await client.put("key", LARGE)
    await client.change("copy", (LARGE, "text/plain"), "copy", x_amz_copy_source=f"/{BUCKET}/key")
    await client.put("key", OTHER)
    await client.store.tidy()
    await client.change("copy", None, "copy", "DELETE")
    await client.store.tidy()
    upload_id = await client.open_upload("copy", {1: SMALL})
    await client.send_part("copy", upload_id, 2, OTHER, x_amz_copy_source=f"/{BUCKET}/key")
    await client.complete("copy", upload_id, {1: SMALL, 2: OTHER})


STORIES = {
    story.__name__: story for story in (upload, overwrite, multipart, complete, delete, copy)
}


@asynccontextmanager
async def running(data: Path, disk: NotingDisk | None = None) -> AsyncIterator[Client]:
    """A store without its background task: stories say when it tidies up."""
    store = Store(data, disk)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.committer.serve)  # noqa: ASYNC113 - jobs wait in its queue
            yield Client(store, [] if disk is None else disk.steps)
            nursery.cancel_scope.cancel()
    finally:
        store.close()


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of stores start in it."""
    shared = Path("/dev/shm")  # noqa: S108 - under it a folder with an unguessable name is made
    with TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_a_power_cut_loses_nothing_acknowledged(
    memory: Path, story: Callable[[Client], Awaitable[None]]
) -> None:
    """After each effect, and whatever the disk kept of the rest, all that was told is true."""
    disk = NotingDisk(memory / "live")
    async with running(memory / "live", disk) as client:
        client.store.create_bucket_now(BUCKET, 0)
        client.note("bucket")
        await story(client)
    seen: set[bytes] = set()
    for end in range(1, len(disk.steps) + 1):
        steps = disk.steps[:end]
        allowed = dict(step.value for step in steps if step.what == "note")
        for name, luck in LUCK.items():
            left = cut(steps, luck)
            mark = left.digest() + repr(allowed).encode()
            if mark not in seen:
                seen.add(mark)
                left.put(memory / f"{end}-{name}")
                await hold(memory / f"{end}-{name}", allowed)
    assert len(seen) > len(STORIES)


async def hold(data: Path, allowed: Mapping[str, tuple[object, ...]]) -> None:
    """Start on what is left, and compare it with what was told."""
    async with running(data) as client:
        assert BUCKET in client.store.buckets or "bucket" not in allowed
        await client.store.tidy()
        assert await client.received() in allowed.get("parts", ({},)), data.name
        for key in allowed.keys() - {"bucket", "parts"}:
            assert await client.value(key) in allowed[key], (data.name, key)
        named = await client.store.read(named_files)
    assert blob_files(data) == {f"{blob:016x}" for blob in named}, data.name


def blob_files(data: Path) -> set[str]:
    """The names of all blob files, wherever they are."""
    folders = (data / "incoming", data / "blobs")
    return {path.name for folder in folders for path in folder.rglob("*") if path.is_file()}


def named_files(db: sqlite3.Connection) -> list[int]:
    """The blobs that some row names, and that are files."""
    rows = db.execute(
        "SELECT blob FROM segment UNION SELECT blob FROM part EXCEPT SELECT blob FROM inline_blob"
    )
    return [blob for (blob,) in rows]


FAILING = {
    "the bytes": lambda step: step.what == "sync",
    "the name": lambda step: step.what == "sync_folder" and step.path == Path("incoming"),
    "the row": lambda step: step.what == "commit",
}


@pytest.mark.parametrize("fails", FAILING.values(), ids=FAILING)
async def test_a_sync_that_fails_acknowledges_nothing(
    memory: Path, fails: Callable[[Step], bool]
) -> None:
    """An upload whose sync fails is refused and absent, also after a cut; the next one is fine."""
    disk = NotingDisk(memory / "live")
    async with running(memory / "live", disk) as client:
        client.store.create_bucket_now(BUCKET, 0)
        disk.fails = fails
        with pytest.raises(StorageError):
            await client.put("key", LARGE)
        disk.fails = lambda _step: False
        assert await client.value("key") is None
        await client.put("next", OTHER)
        told = {"key": (None,), "next": ((OTHER, "text/plain"),)}
    cut([*disk.steps, Step("note")], LUCK["nothing"]).put(memory / "left")
    await hold(memory / "left", told)


def test_a_name_that_a_failed_sync_may_have_lost_is_not_trusted(memory: Path) -> None:
    """A file that was there when the folder's sync failed is refused, though the next succeeds."""
    (memory / "live").mkdir()
    disk = NotingDisk(memory / "live")
    files = BlobFiles(memory / "live", 1, disk)
    earlier = files.next_number()
    os.close(files.create(earlier))
    disk.fails = FAILING["the name"]
    with pytest.raises(OSError, match="Input/output"):
        files.sync([earlier])
    disk.fails = lambda _step: False
    with pytest.raises(OSError, match="names were lost"):
        files.sync([earlier])
    files.sync([files.next_number()])


async def test_a_commit_that_failed_keeps_its_file_for_the_next_start(memory: Path) -> None:
    """The row may be on the disk after all, and must find its bytes there."""
    disk = NotingDisk(memory / "live")
    async with running(memory / "live", disk) as client:
        client.store.create_bucket_now(BUCKET, 0)
        disk.fails = FAILING["the row"]
        with pytest.raises(StorageError):
            await client.put("key", LARGE)
    assert len(blob_files(memory / "live")) == 1
    await hold(memory / "live", {"key": (None,)})


def test_syncing_reaches_the_kernel() -> None:
    """A pipe and a folder of /proc can't be synced, and the kernel says so."""
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "wb"), pytest.raises(OSError, match="Invalid"):
        RealDisk().sync(writer)
    with pytest.raises(OSError, match="Invalid"):
        RealDisk().sync_folder(Path("/proc"))
