-- update_nodes --
-- Where nodes are now, or that they are in the trash: one row each, whatever hangs below. Fewer
-- rows than asked for: somebody changed a node without the tree lock.
UPDATE files.node f SET parent_id = n.parent_id, name = n.name, name_key = n.name_key,
                        entry_id = n.entry_id, revision = n.revision,
                        modified_at = :now, modified_by = :user_id
  FROM unnest(:node_ids::uuid[], :parent_ids::uuid[], :names::text[], :name_keys::text[],
              :entry_ids::uuid[], :revisions::bigint[], :stored::bigint[])
    AS n (node_id, parent_id, name, name_key, entry_id, revision, stored)
 WHERE f.tenant_id = :tenant AND f.node_id = n.node_id AND f.revision = n.stored
   AND f.node_id = ANY(:node_ids::uuid[]);

-- insert_folders --
-- New folders. Every writer of names holds the tree lock, so a conflict is nobody's plan: fewer
-- rows than asked for, and the batch is planned again.
INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, entry_id, revision,
                        created_at, modified_at, modified_by)
SELECT :tenant, n.node_id, n.parent_id, 'folder', n.name, n.name_key, n.entry_id, n.revision,
       :now, :now, :user_id
  FROM unnest(:node_ids::uuid[], :parent_ids::uuid[], :names::text[], :name_keys::text[],
              :entry_ids::uuid[], :revisions::bigint[])
    AS n (node_id, parent_id, name, name_key, entry_id, revision)
ON CONFLICT DO NOTHING;

-- insert_entries --
-- What the user did, and where the nodes were.
INSERT INTO files.trash_entry (tenant_id, entry_id, space_id, node_id, parent_id, original_path,
                               trashed_at, trashed_by)
SELECT :tenant, e.entry_id, e.space_id, e.node_id, e.parent_id, e.path, :now, :user_id
  FROM unnest(:entry_ids::uuid[], :space_ids::uuid[], :node_ids::uuid[], :parent_ids::uuid[],
              :paths::text[])
    AS e (entry_id, space_id, node_id, parent_id, path);

-- entry --
-- One entry, held while it is restored or purged.
SELECT * FROM files.trash_entry
 WHERE tenant_id = :tenant AND entry_id = :entry_id FOR UPDATE;

-- drop_entry --
-- The entry is done with.
DELETE FROM files.trash_entry WHERE tenant_id = :tenant AND entry_id = :entry_id;

-- bring_back --
-- Out of the trash, to its new place.
UPDATE files.node SET entry_id = NULL, parent_id = :parent_id, name = :name,
                      name_key = :name_key,
                      revision = revision + 1, modified_at = :now, modified_by = :user_id
 WHERE tenant_id = :tenant AND node_id = :node_id RETURNING *;

-- node --
-- One node, trashed or not.
SELECT * FROM files.node WHERE tenant_id = :tenant AND node_id = :node_id;

-- sharers_on --
-- Whether anybody was granted the right to share on some of these nodes.
SELECT 1 AS found
  FROM unnest((SELECT :ids::uuid[])) AS i (node_id)
 CROSS JOIN LATERAL (
    SELECT FROM sharing.granted a
     WHERE a.tenant_id = :tenant AND a.node_id = i.node_id AND a.role = 'manager' LIMIT 1) g
 LIMIT 1;

-- restricted_in --
-- Whether a folder, or one below it, trashed ones too, is restricted.
WITH RECURSIVE down AS (
    SELECT :node_id::uuid AS node_id
    UNION ALL
    SELECT n.node_id FROM down d
     CROSS JOIN LATERAL (
        SELECT c.node_id FROM files.node c
         WHERE c.tenant_id = :tenant AND c.parent_id = d.node_id AND c.kind = 'folder' OFFSET 0) n
)
SELECT 1 AS found
  FROM down
 CROSS JOIN LATERAL (
    SELECT FROM sharing.granted a
     WHERE a.tenant_id = :tenant AND a.node_id = down.node_id
       AND a.grantee_id = '00000000-0000-0000-0000-000000000000' AND (a.rights & :stop::int) <> 0
     LIMIT 1) g
 LIMIT 1;

-- heights --
-- Levels of folders below some folders.
WITH RECURSIVE down AS (
    SELECT a.top, a.top AS node_id, 0 AS depth FROM unnest((SELECT :ids::uuid[])) AS a (top)
    UNION ALL
    SELECT d.top, n.node_id, d.depth + 1 FROM down d
     CROSS JOIN LATERAL (
        SELECT c.node_id FROM files.node c
         WHERE c.tenant_id = :tenant AND c.parent_id = d.node_id AND c.kind = 'folder' OFFSET 0) n
)
SELECT top AS node_id, max(depth)::int AS height FROM down GROUP BY top;

-- version --
-- One version of a file.
SELECT * FROM files.version
 WHERE tenant_id = :tenant AND node_id = :node_id AND version = :version;

-- live_subtree --
-- A node and all live nodes below it, parents first.
WITH RECURSIVE down AS (
    SELECT n.*, 0 AS depth FROM files.node n WHERE n.tenant_id = :tenant AND n.node_id = :node_id
    UNION ALL
    SELECT n.*, d.depth + 1 FROM down d
     CROSS JOIN LATERAL (
        SELECT * FROM files.node c
         WHERE c.tenant_id = :tenant AND c.parent_id = d.node_id AND c.entry_id IS NULL
        OFFSET 0) n
)
SELECT * FROM (SELECT * FROM down LIMIT :limit) AS bounded ORDER BY depth, node_id;
