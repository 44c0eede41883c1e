-- drop_root --
-- From here on nothing below can be reached: a walk up ends before it comes to a root.
DELETE FROM files.node WHERE tenant_id = :tenant AND node_id = :node_id RETURNING *;

-- by_index --
-- For the rest of the transaction. Where one folder has most of a table's rows, reading the table
-- looks like the fastest way to a first child; for a folder without children it reads all of it.
-- A bitmap, too, is made of all there is before the first row comes.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true);

-- below --
-- Nodes below some that are gone themselves, at most ``limit``. LATERAL makes each step a lookup, and
-- the walk is lazy, so that its cost is bounded by the limit, however much there is. Children come by
-- name because only the index that finds them can do that without reading more: with NULLS FIRST it
-- is node_parent, without it node_child, which has nothing that is in the trash.
WITH RECURSIVE down AS (
    SELECT ord, node_id, TRUE AS is_top
      FROM unnest(:node_ids::uuid[]) WITH ORDINALITY AS q (node_id, ord)
    UNION ALL
    SELECT d.ord, c.node_id, FALSE
      FROM down d
     CROSS JOIN LATERAL (
        SELECT n.node_id FROM files.node n
         WHERE n.tenant_id = :tenant AND n.parent_id = d.node_id
         ORDER BY n.name_key NULLS FIRST LIMIT :limit) c
)
SELECT node_id, ord - 1 AS index FROM down WHERE NOT is_top LIMIT :limit;

-- drop_nodes --
DELETE FROM files.node WHERE tenant_id = :tenant AND node_id = ANY(:node_ids::uuid[]);

-- drop_entries --
-- What was in the trash by itself: gone with its space, or with a folder purged by an older release.
-- Looked up one by one: for many at once PostgreSQL may read the tenant's whole trash.
DELETE FROM files.trash_entry
 WHERE ctid = ANY(ARRAY(
    SELECT e.place
      FROM unnest(:node_ids::uuid[]) AS q (node_id)
     CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM files.trash_entry t
         WHERE t.tenant_id = :tenant AND t.node_id = q.node_id OFFSET 0) e));

-- drop_versions --
-- Versions of nodes that are gone, at most ``limit``. By ctid, so that no more than these are read;
-- nothing updates a version.
DELETE FROM files.version
 WHERE ctid = ANY(ARRAY(
    SELECT v.place
      FROM unnest(:node_ids::uuid[]) AS q (node_id)
     CROSS JOIN LATERAL (
        SELECT f.ctid AS place FROM files.version f
         WHERE f.tenant_id = :tenant AND f.node_id = q.node_id LIMIT :limit) v
     LIMIT :limit))
RETURNING node_id, hash, size;

-- release_blobs --
-- In hash order, as every writer of blobs; what comes to zero waits for the collector.
WITH held AS (
    SELECT hash FROM files.blob
     WHERE tenant_id = :tenant AND hash = ANY(:hashes::text[])
     ORDER BY hash FOR UPDATE
)
UPDATE files.blob b
   SET refs = b.refs - g.refs,
       zero_since = CASE WHEN b.refs = g.refs THEN :now::timestamptz END
  FROM held
  JOIN unnest(:hashes::text[], :refs::bigint[]) AS g (hash, refs) USING (hash)
 WHERE b.tenant_id = :tenant AND b.hash = held.hash AND b.hash = ANY(:hashes::text[]);

-- unfinished --
-- Which of these nodes, gone themselves or kept, still have children to be removed, or versions.
SELECT q.node_id
  FROM unnest(:node_ids::uuid[], :kept::boolean[]) AS q (node_id, is_kept)
  LEFT JOIN LATERAL (
    (SELECT TRUE AS is_there FROM files.node n
      WHERE NOT q.is_kept AND n.tenant_id = :tenant AND n.parent_id = q.node_id
      ORDER BY n.name_key NULLS FIRST LIMIT 1)
    UNION ALL
    (SELECT TRUE AS is_there FROM files.node n
      WHERE q.is_kept AND n.tenant_id = :tenant AND n.parent_id = q.node_id
        AND n.entry_id IS NULL
      ORDER BY n.name_key LIMIT 1)) child ON TRUE
  LEFT JOIN LATERAL (
    SELECT TRUE AS is_there FROM files.version v
     WHERE v.tenant_id = :tenant AND v.node_id = q.node_id LIMIT 1) version ON TRUE
 WHERE child.is_there OR version.is_there;

-- queue --
INSERT INTO files.purge (tenant_id, node_id, space_id, purged_at)
SELECT :tenant, q.node_id, q.space_id, q.purged_at
  FROM unnest(:node_ids::uuid[], :space_ids::uuid[], :times::timestamptz[])
    AS q (node_id, space_id, purged_at)
ON CONFLICT DO NOTHING;

-- purging_tenants, across tenants --
-- Who has purged something that is not all gone, the longest first.
SELECT tenant_id, min(purged_at) AS since
  FROM (SELECT tenant_id, purged_at FROM files.purge ORDER BY purged_at LIMIT :limit) AS oldest
 GROUP BY tenant_id ORDER BY since;

-- take_queued --
-- A kept folder has its row. No EXISTS: PostgreSQL may answer that from a hash of all nodes.
SELECT p.node_id, p.space_id, p.purged_at,
       (SELECT TRUE FROM files.node n
         WHERE n.tenant_id = :tenant AND n.node_id = p.node_id) IS NOT NULL AS is_kept
  FROM files.purge p
 WHERE p.tenant_id = :tenant ORDER BY p.node_id LIMIT :limit FOR UPDATE SKIP LOCKED;

-- unqueue --
DELETE FROM files.purge WHERE tenant_id = :tenant AND node_id = ANY(:node_ids::uuid[]);
