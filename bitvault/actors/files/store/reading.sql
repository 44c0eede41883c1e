-- children --
-- One page of a folder, from the index: its cost does not depend on the folder's size.
SELECT * FROM files.node
 WHERE tenant_id = :tenant AND parent_id = :parent_id AND entry_id IS NULL
   AND name_key > :after COLLATE "C"
 ORDER BY name_key LIMIT :limit;

-- versions --
-- Newest first.
SELECT * FROM files.version
 WHERE tenant_id = :tenant AND node_id = :node_id AND version < :before
 ORDER BY version DESC LIMIT :limit;

-- contents --
-- Where the bytes of some versions are.
SELECT w.ord, v.version, v.size, v.hash, v.content_type, b.object_key
  FROM unnest(:ords::int[], :nodes::uuid[], :versions::int[]) AS w (ord, node_id, version)
 CROSS JOIN LATERAL (
    SELECT * FROM files.version a
     WHERE a.tenant_id = :tenant AND a.node_id = w.node_id AND a.version = w.version LIMIT 1) v
 CROSS JOIN LATERAL (
    SELECT object_key FROM files.blob a
     WHERE a.tenant_id = :tenant AND a.hash = v.hash AND a.state = 'live' LIMIT 1) b;

-- trash --
-- Newest entries first (ids are UUIDv7).
SELECT e.entry_id AS entry, e.original_path, e.trashed_at, e.trashed_by, n.*
  FROM (SELECT * FROM files.trash_entry
         WHERE tenant_id = :tenant AND space_id = :space_id AND entry_id < :before
         ORDER BY entry_id DESC LIMIT :limit) e
 CROSS JOIN LATERAL (
    SELECT * FROM files.node a
     WHERE a.tenant_id = :tenant AND a.node_id = e.node_id LIMIT 1) n
 ORDER BY e.entry_id DESC;

-- extent --
-- A node and what is live below it, counted no further than the limit.
WITH RECURSIVE down AS (
    SELECT n.node_id, n.size FROM files.node n
     WHERE n.tenant_id = :tenant AND n.node_id = :node_id
    UNION ALL
    SELECT n.node_id, n.size FROM down d
     CROSS JOIN LATERAL (
        SELECT c.node_id, c.size FROM files.node c
         WHERE c.tenant_id = :tenant AND c.parent_id = d.node_id AND c.entry_id IS NULL
         ORDER BY c.name_key LIMIT :limit) n
)
SELECT count(*)::int AS nodes, coalesce(sum(size), 0)::bigint AS size
  FROM (SELECT * FROM down LIMIT :limit) AS bounded;
