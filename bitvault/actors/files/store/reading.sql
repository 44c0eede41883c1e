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
  JOIN files.version v ON v.tenant_id = :tenant AND v.node_id = w.node_id
   AND v.version = w.version
  JOIN files.blob b ON b.tenant_id = :tenant AND b.hash = v.hash AND b.state = 'live';

-- trash --
-- Newest entries first (ids are UUIDv7).
SELECT e.entry_id AS entry, e.original_path, e.trashed_at, e.trashed_by, n.*
  FROM files.trash_entry e
  JOIN files.node n ON n.tenant_id = :tenant AND n.node_id = e.node_id
 WHERE e.tenant_id = :tenant AND e.space_id = :space_id AND e.entry_id < :before
 ORDER BY e.entry_id DESC LIMIT :limit;
