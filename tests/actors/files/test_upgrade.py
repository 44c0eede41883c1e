"""Databases of former versions, brought up to date by an owner without powers."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from bitvault.actors.files.contract import Node, NodeNotFound, StaleRevision, Written
from bitvault.actors.files.store.outcomes import OpenedUpload, restore
from bitvault.drivers import aio
from bitvault.drivers.postgres.migrate import load_migrations
from bitvault.kernel.events import Position
from bitvault.kernel.ids import NodeId, SpaceId, UserId
from bitvault.kernel.refusal import Invalid
from tests.actors.identity.test_upgrade import owner

__all__ = ["owner"]

_SPACES = ((1, "personal", 7), (2, "personal", 10), (3, "personal", 10), (4, "team", 10))
"""Number, kind and quota; the higher the number, the newer."""
_SPACE = """
    INSERT INTO files.space
        (tenant_id, space_id, kind, owner_id, name, name_key, root_id, created_at)
    VALUES ($1, $2::uuid, $3, $4, 'n' || $2::uuid, 'n' || $2::uuid, $2::uuid, now())
"""
_USAGE = "INSERT INTO files.usage (tenant_id, holder_id, quota) VALUES ($1, $2, $3)"
_WALL = """
    ALTER TABLE files.{0} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE files.{0} FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON files.{0} USING (tenant_id::text = current_setting('test.tenant'));
"""


_TIMES = ("-infinity", "0001-01-01T12:00Z", "2026-01-31T12:00Z", "9999-12-31T12:00Z", "infinity")
_NODE = """
    INSERT INTO files.node
        (tenant_id, node_id, parent_id, kind, name, name_key, version, content_modified_at,
         created_at, modified_at, modified_by)
    SELECT $1, $2::uuid, $1, 'file', $2::text, $2::text, 1, $3::text::timestamptz, now(), now(), $1
"""
_VERSION = """
    INSERT INTO files.version
    SELECT tenant_id, node_id, 1, 0, 'h', 't', content_modified_at, now(), tenant_id FROM files.node
"""
_UPLOAD = """
    INSERT INTO files.upload
        (tenant_id, upload_id, user_id, space_id, anchor_id, path, shown_path, size, if_exists,
         content_type, content_modified_at, state, created_at, expires_at, result)
    SELECT tenant_id, node_id, tenant_id, tenant_id, tenant_id, '/', '/', 0, 'fail', 't',
        content_modified_at, 'open', now(), now(), $1::text::jsonb
    FROM files.node
"""
_KEY = """
    INSERT INTO files.idempotency (tenant_id, user_id, key, fingerprint, outcomes, expires_at)
    VALUES ($1, $1, 'k', '', $2::text::jsonb, now())
"""
_ODD = '"content_modified_at": "0001-01-01T00:00:00"'


async def test_times_that_cannot_be_kept_are_forgotten(owner: asyncpg.Connection) -> None:
    """Of nodes, versions and uploads, and in what a repeat is answered; nothing else changes."""
    steps, tenant = load_migrations("bitvault.actors.files"), UUID(int=9)
    before = next(at for at, step in enumerate(steps) if "moments" in step.name)
    for step in steps[:before]:
        await aio.call(owner.execute, step.sql)
    for number, moment in enumerate(_TIMES):
        await aio.call(owner.execute, _NODE, tenant, UUID(int=number), moment)
    await aio.call(owner.execute, _VERSION)
    kept: dict[str, dict[str, Any]] = {
        "node": {"name": _ODD, "content_modified_at": "9999-12-31T23:59:59.999999"}
    }
    await aio.call(owner.execute, _UPLOAD, json.dumps(kept))
    await aio.call(owner.execute, _KEY, tenant, json.dumps([kept]))
    tables = ("node", "version", "upload", "idempotency")
    for table in tables:
        await aio.call(owner.execute, _WALL.format(table))

    await aio.call(owner.execute, steps[before].sql)

    await aio.call(owner.execute, "RESET ROLE")
    for table in tables[:3]:
        sql = f"SELECT content_modified_at FROM files.{table}"  # noqa: S608 - of the three above
        found = await aio.call(owner.fetch, sql)
        assert [row[0] for row in found if row[0]] == [datetime(2026, 1, 31, 12, tzinfo=UTC)]
        assert len(found) == len(_TIMES)
    kept["node"]["content_modified_at"] = None
    results = await aio.call(owner.fetch, "SELECT DISTINCT result::text FROM files.upload")
    outcomes = await aio.call(owner.fetch, "SELECT outcomes::text FROM files.idempotency")
    assert [json.loads(row[0]) for row in results] == [kept]
    assert [json.loads(row[0]) for row in outcomes] == [[kept]]


async def test_spaces_follow_what_the_newest_was_given(owner: asyncpg.Connection) -> None:
    """Personal ones that have as much; what has another quota, and teams, keep their own."""
    steps, tenant = load_migrations("bitvault.actors.files"), UUID(int=9)
    before = next(at for at, step in enumerate(steps) if "space_quota" in step.sql)
    for step in steps[:before]:
        await aio.call(owner.execute, step.sql)
    for number, kind, quota in _SPACES:
        space, whose = UUID(int=number), UUID(int=90 + number) if kind == "personal" else None
        await aio.call(owner.execute, _SPACE, tenant, space, kind, whose)
        await aio.call(owner.execute, _USAGE, tenant, space, quota)
    await aio.call(owner.execute, _USAGE, tenant, tenant, 100)
    for table in ("space", "usage"):
        await aio.call(owner.execute, _WALL.format(table))

    await aio.call(owner.execute, steps[before].sql)

    await aio.call(owner.execute, "RESET ROLE")
    rows = await aio.call(
        owner.fetch,
        "SELECT holder_id, quota, follows, space_quota FROM files.usage ORDER BY holder_id",
    )
    assert [(row["holder_id"].int, *tuple(row)[1:]) for row in rows] == [
        (1, 7, False, None),
        (2, None, True, None),
        (3, None, True, None),
        (4, 10, False, None),
        (9, 100, False, 10),
    ]


_AT = "2026-01-02T03:04:05.000678Z"
_NODE_KEPT = {
    "node_id": str(UUID(int=1)), "kind": "file", "space_id": str(UUID(int=2)),
    "parent_id": str(UUID(int=3)), "name": "Written", "path": "/Written", "size": 3,
    "hash": "sha256:aa", "version": 1, "revision": 7, "content_type": "text/plain",
    "content_modified_at": None, "created_at": _AT, "modified_at": _AT,
    "modified_by": str(UUID(int=4)),
}  # fmt: skip
_POSITION_KEPT = {"epoch": str(UUID(int=5)), "seq": 9}
_WRITTEN_KEPT = {
    "kind": "Written",
    "value": {"node": _NODE_KEPT, "position": _POSITION_KEPT, "entry_id": str(UUID(int=6))},
}
_KEPT = [
    _WRITTEN_KEPT,
    {"kind": "OpenedUpload", "value": {"upload_id": str(UUID(int=7))}},
    {"kind": "NodeNotFound", "value": {"target": "/a"}},
    {"kind": "StaleRevision", "value": {"current_revision": 4}},
    {"kind": "Invalid", "value": {"field": "name", "rule": "is not good"}},
]
"""What the version before tags wrote, to the letter."""
_NODE_THEN = Node(
    NodeId(UUID(int=1)), "file", SpaceId(UUID(int=2)), NodeId(UUID(int=3)), "Written", "/Written",
    3, "sha256:aa", 1, 7, "text/plain", None, datetime(2026, 1, 2, 3, 4, 5, 678, UTC),
    datetime(2026, 1, 2, 3, 4, 5, 678, UTC), UserId(UUID(int=4)),
)  # fmt: skip
_WRITTEN_THEN = Written(_NODE_THEN, Position(UUID(int=5), 9), UUID(int=6))


async def test_kept_answers_are_found_by_tags(owner: asyncpg.Connection) -> None:
    """What was kept under the names of classes is answered as it was then, in its order."""
    steps, tenant = load_migrations("bitvault.actors.files"), UUID(int=9)
    before = next(at for at, step in enumerate(steps) if "pre_tags" in step.name)
    for step in steps[:before]:
        await aio.call(owner.execute, step.sql)
    await aio.call(owner.execute, _NODE, tenant, UUID(int=1), _TIMES[2])
    await aio.call(owner.execute, _UPLOAD, json.dumps(_WRITTEN_KEPT))
    await aio.call(owner.execute, _KEY, tenant, json.dumps(_KEPT))
    for table in ("upload", "idempotency"):
        await aio.call(owner.execute, _WALL.format(table))

    await aio.call(owner.execute, steps[before].sql)

    await aio.call(owner.execute, "RESET ROLE")
    result = await aio.call(owner.fetchval, "SELECT result::text FROM files.upload")
    outcomes = await aio.call(owner.fetchval, "SELECT outcomes::text FROM files.idempotency")
    assert restore(json.loads(result)) == _WRITTEN_THEN
    assert [restore(one) for one in json.loads(outcomes)] == [
        _WRITTEN_THEN,
        OpenedUpload(UUID(int=7)),
        NodeNotFound("/a"),
        StaleRevision(4),
        Invalid("name", "is not good"),
    ]
    assert [one["kind"] for one in json.loads(outcomes)][:2] == ["written", "opened_upload"]
