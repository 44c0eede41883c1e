"""The metadata index: SQLite, WAL, every commit on disk before it is answered (ADR-0012).

Functions here take a connection inside a transaction somebody else opened. SQL is in
`queries.sql`.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

_HERE = Path(__file__).parent
_CHECKPOINT_PAGES = 8192
_COMPLETED_KEPT = 10_000


@attrs.frozen
class StoredObject:
    """A committed object.

    Attributes:
        content: the number its segments go by.
        size: bytes.
        etag: without quotes.
        checksums: algorithm (`sha256`, …) → base64, `-n` appended for composites.
        headers: lower-case response headers, `x-amz-meta-*` among them.
    """

    bucket: str
    key: bytes
    content: int
    size: int
    etag: str
    checksums: Mapping[str, str]
    headers: Mapping[str, str]
    modified_ms: int


@attrs.frozen
class Segment:
    """A run of an object's bytes: a file of that number, or the bytes themselves."""

    blob: int
    size: int
    data: bytes | None


@attrs.frozen
class Upload:
    """An open multipart upload."""

    id: str
    bucket: str
    key: bytes
    headers: Mapping[str, str]
    started_ms: int


@attrs.frozen
class Part:
    """A received part of an open upload."""

    number: int
    blob: int
    size: int
    etag: str
    checksums: Mapping[str, str]
    modified_ms: int


def _load_queries() -> dict[str, str]:
    pieces = (_HERE / "queries.sql").read_text(encoding="utf-8").split("-- :name ")[1:]
    return {name.strip(): sql.strip() for name, _, sql in (p.partition("\n") for p in pieces)}


QUERIES = _load_queries()


def connect(
    path: Path, connection: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    """Open the index with durable commits; the caller serialises the use of a connection."""
    db = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=30, factory=connection
    )
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        "temp_store = MEMORY",
    ):
        db.execute(f"PRAGMA {pragma}")
    return db


def create_schema(db: sqlite3.Connection) -> None:
    """Create what is missing."""
    db.executescript((_HERE / "schema.sql").read_text(encoding="utf-8"))


def run(db: sqlite3.Connection, name: str, /, **values: Any) -> sqlite3.Cursor:
    """Execute one named query."""
    return db.execute(QUERIES[name], values)


def start_run(db: sqlite3.Connection) -> int:
    """Count this start of the process; blob numbers of different runs never meet."""
    row = run(db, "find_run").fetchone()
    number = 1 if row is None else row[0] + 1
    run(db, "first_run" if row is None else "next_run", number=number)
    return int(number)


def find_object(db: sqlite3.Connection, bucket: str, key: bytes) -> StoredObject | None:
    """The object under a key."""
    row = run(db, "find_object", bucket=bucket, key=key).fetchone()
    return None if row is None else _object(row)


def list_objects(
    db: sqlite3.Connection, bucket: str, start: bytes, limit: int
) -> Iterator[StoredObject]:
    """Objects with key >= start in key order, read lazily."""
    return map(_object, run(db, "list_objects", bucket=bucket, start=start, limit=limit))


def _object(row: Any) -> StoredObject:
    bucket, key, content, size, etag, checksums, headers, modified_ms = row
    return StoredObject(
        bucket, key, content, size, etag, json.loads(checksums), json.loads(headers), modified_ms
    )


def put_object(db: sqlite3.Connection, stored: StoredObject) -> None:
    """Insert or replace the row; what it replaced is condemned."""
    previous = find_object(db, stored.bucket, stored.key)
    row = attrs.asdict(stored, recurse=False)
    row |= {"checksums": json.dumps(stored.checksums), "headers": json.dumps(stored.headers)}
    run(db, "put_object", **row)
    if previous is not None:
        _condemn(db, previous.content)


def delete_object(db: sqlite3.Connection, bucket: str, key: bytes) -> None:
    """Remove the row if there is one; its content goes unless a copy still uses it."""
    previous = find_object(db, bucket, key)
    if previous is not None:
        run(db, "delete_object", bucket=bucket, key=key)
        _condemn(db, previous.content)


def _condemn(db: sqlite3.Connection, content: int) -> None:
    if run(db, "content_in_use", content=content).fetchone() is None:
        for name in ("condemn_segments", "delete_segments_inline", "delete_segments"):
            run(db, name, content=content)


def add_segments(db: sqlite3.Connection, content: int, segments: list[tuple[int, int]]) -> None:
    """Make (blob, size) pairs, in order, the bytes of a content."""
    db.executemany(
        QUERIES["add_segment"],
        [
            {"content": content, "ordinal": ordinal, "blob": blob, "size": size}
            for ordinal, (blob, size) in enumerate(segments)
        ],
    )


def list_segments(db: sqlite3.Connection, content: int) -> list[Segment]:
    """The runs of bytes of a content, in order."""
    return [Segment(*row) for row in run(db, "list_segments", content=content)]


def add_upload(db: sqlite3.Connection, upload: Upload) -> None:
    """Open an upload."""
    values = attrs.asdict(upload, recurse=False) | {"headers": json.dumps(upload.headers)}
    run(db, "add_upload", **values)


def find_upload(db: sqlite3.Connection, bucket: str, key: bytes, upload: str) -> Upload | None:
    """The open upload of that id, if it belongs to that key."""
    row = run(db, "find_upload", id=upload, bucket=bucket, key=key).fetchone()
    return None if row is None else _upload(row)


def list_uploads(
    db: sqlite3.Connection, bucket: str, after: tuple[bytes, str], stop: bytes, limit: int
) -> list[Upload]:
    """Open uploads with (key, id) > after and key < stop, in that order."""
    key, upload = after
    rows = run(db, "list_uploads", bucket=bucket, key=key, id=upload, stop=stop, limit=limit)
    return [_upload(row) for row in rows]


def _upload(row: Any) -> Upload:
    return Upload(row[0], row[1], row[2], json.loads(row[3]), row[4])


def list_parts(db: sqlite3.Connection, upload: str, after: int, limit: int) -> list[Part]:
    """Parts with a number above `after`, ascending."""
    return [_part(r) for r in run(db, "list_parts", upload=upload, after=after, limit=limit)]


def put_part(db: sqlite3.Connection, upload: str, part: Part) -> None:
    """Insert or replace a part; the replaced bytes are condemned."""
    row = run(db, "find_part", upload=upload, number=part.number).fetchone()
    values = attrs.asdict(part, recurse=False) | {"checksums": json.dumps(part.checksums)}
    run(db, "put_part", upload=upload, **values)
    if row is not None:
        drop_blob(db, row[1])


def _part(row: Any) -> Part:
    return Part(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5])


def drop_blob(db: sqlite3.Connection, blob: int) -> None:
    """Give up a blob that belongs to no content."""
    if run(db, "is_inline", blob=blob).fetchone() is None:
        run(db, "add_garbage", blob=blob, content=0)
    else:
        run(db, "delete_inline", blob=blob)


def close_upload(db: sqlite3.Connection, upload: str) -> None:
    """Forget an upload and its part rows; the blobs are the caller's business."""
    run(db, "delete_parts", upload=upload)
    run(db, "delete_upload", id=upload)


@attrs.frozen
class Completed:
    """What the completion of an upload was answered with."""

    etag: str
    checksums: Mapping[str, str]


def add_completed(db: sqlite3.Connection, upload: Upload, claim: str, answer: Completed) -> None:
    """Remember how a completion that listed these parts was answered; the oldest is forgotten."""
    names = {"id": upload.id, "bucket": upload.bucket, "key": upload.key, "claim": claim}
    checksums = json.dumps(answer.checksums)
    run(db, "add_completed", **names, etag=answer.etag, checksums=checksums)
    run(db, "trim_completed", keep=_COMPLETED_KEPT)


def find_completed(
    db: sqlite3.Connection, upload: str, bucket: str, key: bytes, claim: str
) -> Completed | None:
    """How it was answered, if it was the same."""
    row = run(db, "find_completed", id=upload, bucket=bucket, key=key, claim=claim).fetchone()
    return None if row is None else Completed(row[0], json.loads(row[1]))
