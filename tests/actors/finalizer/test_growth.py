"""What a turn costs depends on the garbage there is, not on what is alive."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bitvault.actors.files.store import collecting, keeping, purging
from bitvault.actors.storage import store as ledger
from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query
from tests.support.determinism import FixedClock

LIVE, GARBAGE = 20_000, 20
FOLDER = UUID(int=0xF)
"""With a subfolder for each content, a third of them in each tenant."""
KEPT = UUID(int=2**128 - 1)
"""Purged, and kept in the trash for what is there by itself below it: as much again. Its id is the
last, so that a walk in the order of ids comes by everything else."""
_TENANT = f"SET LOCAL bitvault.tenant = '{UUID(int=1)}'"

# Everything alive: named content, claimed objects, running and recently ended uploads, keys in use.
# And a little that is due, of each kind. Of three tenants, in no particular order.
_FILL = """
    INSERT INTO files.blob (tenant_id, hash, object_key, size, refs, state, zero_since)
    SELECT ('0000000000000000000000000000000' || i % 3)::uuid, 'sha256:' || i, 'blobs/' || i, 1,
           (i > :garbage)::int, 'live', CASE WHEN i <= :garbage THEN :long_ago END
      FROM generate_series(1, :live) i;
    INSERT INTO files.version (tenant_id, node_id, version, size, hash, content_type, created_at,
                               created_by)
    SELECT tenant_id, gen_random_uuid(), 1, 1, hash, 'text/plain', :now, gen_random_uuid()
      FROM files.blob WHERE refs > 0;
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, created_at,
                            modified_at, modified_by)
    SELECT tenant_id, gen_random_uuid(), ':folder', 'folder', hash, hash, :now, :now, tenant_id
      FROM files.blob;
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, entry_id,
                            created_at, modified_at, modified_by)
    SELECT tenant_id, gen_random_uuid(), ':kept', 'folder', hash, hash, gen_random_uuid(), :now,
           :now, tenant_id
      FROM files.blob;
    INSERT INTO files.trash_entry (tenant_id, entry_id, space_id, node_id, parent_id,
                                   original_path, trashed_at, trashed_by)
    SELECT tenant_id, entry_id, ':kept', node_id, parent_id, '/' || name, :now, tenant_id
      FROM files.node WHERE entry_id IS NOT NULL;
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, entry_id,
                            created_at, modified_at, modified_by)
    SELECT DISTINCT tenant_id, ':kept'::uuid, tenant_id, 'folder', 'kept', 'kept', tenant_id,
           :now, :now, tenant_id
      FROM files.blob;
    INSERT INTO files.upload (tenant_id, upload_id, user_id, space_id, anchor_id, path, shown_path,
                              size, hash, if_exists, content_type, state, created_at, expires_at)
    SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
           'f', '/f', 1, hash, 'fail', 'text/plain',
           CASE WHEN right(hash, 1) = '1' THEN 'open' ELSE 'committed' END, :now,
           CASE WHEN refs = 0 THEN :long_ago ELSE :later END
      FROM files.blob;
    INSERT INTO files.idempotency (tenant_id, user_id, key, fingerprint, expires_at)
    SELECT tenant_id, gen_random_uuid(), hash, '', CASE WHEN refs = 0 THEN :long_ago ELSE :later END
      FROM files.blob;
    INSERT INTO files.purge (tenant_id, node_id, space_id, purged_at)
    SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), :long_ago FROM files.blob;
    INSERT INTO files.condemned (tenant_id, object_key, hash, condemned_at)
    SELECT tenant_id, object_key, hash, :long_ago FROM files.blob WHERE refs > 0;
    INSERT INTO storage.object (tenant_id, upload_id, key, state, size, hash, part_size, part_count,
                                created_at, sealed_at, look_at, discarded_at)
    SELECT tenant_id, gen_random_uuid(), object_key,
           CASE WHEN refs > 0 THEN 'sealed' WHEN right(hash, 1) < '3' THEN 'open'
                ELSE 'garbage' END,
           1, hash, 0, 0, :now, :now, CASE WHEN refs = 0 THEN :long_ago END, :long_ago
      FROM files.blob;"""
_ANALYZE = """
    ANALYZE files.blob, files.node, files.version, files.upload, files.idempotency, files.purge,
            files.condemned, files.trash_entry, storage.object
"""

LOOKS = [
    (collecting.SQL["idle_blobs"], "blob_idle"),
    (collecting.SQL["condemned_keys"], "condemned_oldest"),
    (collecting.SQL["overdue"], "upload_overdue"),
    (collecting.SQL["ended_uploads"], "upload_ended"),
    (collecting.SQL["expired_keys"], "idempotency_expiry"),
    (collecting.SQL["oldest"], "blob_idle"),
    (purging.SQL["purging_tenants"], "purge_oldest"),
    (ledger._QUERIES["due_objects"], "object_doubtful"),
    (ledger._QUERIES["leaving_objects"], "object_leaving"),
    (ledger._QUERIES["oldest_garbage"], "object_garbage"),
]

SLICES = [
    collecting.SQL["condemn"],
    collecting.SQL["drop_condemned"],
    collecting.SQL["open_among"],
    collecting.SQL["named_among"],
    collecting.SQL["drop_uploads"],
    collecting.SQL["drop_keys"],
    purging.SQL["take_queued"],
    purging.SQL["below"],
    purging.SQL["drop_nodes"],
    purging.SQL["drop_entries"],
    purging.SQL["drop_versions"],
    purging.SQL["release_blobs"],
    purging.SQL["unfinished"],
    purging.SQL["unqueue"],
    keeping.SQL["next_below"],
    keeping.SQL["all_below"],
    keeping.SQL["keep_below"],
    keeping.SQL["drop_empty"],
]
_SLICE = """
    SELECT array_agg(hash) AS hashes, array_agg(object_key) AS object_keys,
           array_agg(least(refs, 1)) AS refs,
           ARRAY(SELECT upload_id FROM files.upload WHERE tenant_id = $1 LIMIT 20) AS upload_ids,
           ARRAY(SELECT node_id FROM files.version WHERE tenant_id = $1 LIMIT 20) AS node_ids,
           ARRAY(SELECT user_id FROM files.idempotency WHERE tenant_id = $1
                  ORDER BY key LIMIT 20) AS user_ids,
           ARRAY(SELECT key FROM files.idempotency WHERE tenant_id = $1
                  ORDER BY key LIMIT 20) AS keys
      FROM (SELECT * FROM files.blob WHERE tenant_id = $1 ORDER BY zero_since LIMIT 20) b
"""
"""Twenty of each kind; of contents, all that are idle are among them."""


@pytest.fixture
async def full(database: PostgresDatabase, clock: FixedClock) -> AsyncIterator[asyncpg.Connection]:
    """Fill a database with much that is alive and little that is not."""
    connection = await aio.call(asyncpg.connect, database.sessions.dsn)
    sql = _FILL.replace(":live", str(LIVE)).replace(":garbage", str(GARBAGE))
    sql = sql.replace(":folder", str(FOLDER)).replace(":kept", str(KEPT))
    times = {"now": "2030-01-01", "long_ago": "2029-01-01", "later": "2030-02-01"}
    for name, time in times.items():
        sql = sql.replace(f":{name}", f"timestamptz '{time}'")
    await aio.call(connection.execute, sql)
    yield connection
    await aio.call(connection.close)


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every node of a plan."""
    return [plan, *(node for below in plan.get("Plans", []) for node in nodes(below))]


async def explained(
    connection: asyncpg.Connection, query: Query, now: datetime, **more: Any
) -> list[dict[str, Any]]:
    """Run a query under EXPLAIN ANALYZE; return its plan's nodes."""
    given = {"limit": 500, "now": now, "before": now, "tenant": UUID(int=1), **more}
    sql = f"EXPLAIN (ANALYZE, FORMAT JSON) {query.sql}"
    arguments = [given[name] for name in query.parameters]
    (row,) = await aio.call(connection.fetch, sql, *arguments)
    return nodes(json.loads(row[0])[0]["Plan"])


def rows_read(plan: list[dict[str, Any]]) -> list[float]:
    """Return how many rows each scan of a table read, wanted or not."""
    return [
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in plan
        if "Relation Name" in node
    ]


@pytest.mark.slow
async def test_no_look_reads_what_is_alive(full: asyncpg.Connection, clock: FixedClock) -> None:
    """Each look goes through its index, touches no more than its slice, and filters nothing out."""
    await aio.call(full.execute, f"{_ANALYZE}; SET ROLE bitvault_system")
    for query, index in LOOKS:
        plan = await explained(full, query, clock.now())
        used = {node["Index Name"] for node in plan if "Index Name" in node}
        touched = rows_read(plan)

        assert index in used, query.name
        assert not [node for node in plan if node["Node Type"] == "Seq Scan"], query.name
        assert max(touched) <= 500, query.name
        bounded = {"condemned_keys", "purging_tenants"}  # their whole table is still to be done
        assert query.name in bounded or max(touched) <= GARBAGE, query.name


@pytest.mark.slow
async def test_counting_what_is_due_ends(full: asyncpg.Connection, clock: FixedClock) -> None:
    """However much is alive, what is due is read from its index, and at most 10,000 of a kind."""
    await aio.call(full.execute, f"{_ANALYZE}; SET ROLE bitvault_system")
    times = {"unused": clock.now(), "finished": clock.now()}
    for query in (collecting.SQL["backlog"], ledger._QUERIES["backlog"]):
        plan = await explained(full, query, clock.now(), **times)

        assert not [node for node in plan if node["Node Type"] == "Seq Scan"], query.name
        assert max(rows_read(plan)) <= 10_000, query.name


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False], ids=["analyzed", "young"])
async def test_a_slice_reads_no_more_than_it_is_about(
    full: asyncpg.Connection, clock: FixedClock, *, known: bool
) -> None:
    """However large the tables are, and whether or not PostgreSQL knows it, keys are looked up."""
    if known:
        await aio.call(full.execute, _ANALYZE)
    found = await aio.call(full.fetchrow, _SLICE, UUID(int=1))
    childless = [UUID(int=number) for number in range(100)]
    tops = [KEPT, FOLDER, *found["node_ids"], *childless]
    kept = [one == KEPT for one in tops]
    given = {**found, "limit": 100, "node_ids": tops, "kept": kept}
    for query in SLICES:
        transaction = full.transaction()
        await aio.call(transaction.start)
        await aio.call(full.execute, f"SET LOCAL ROLE bitvault_app; {_TENANT}")
        if query in {*purging.SQL.values(), *keeping.SQL.values()}:
            await aio.call(full.execute, purging.SQL["by_index"].sql)
        plan = await explained(full, query, clock.now(), **given)
        await aio.call(transaction.rollback)

        assert not [node for node in plan if node["Node Type"] == "Seq Scan"], query.name
        assert max(rows_read(plan)) <= 101, query.name
