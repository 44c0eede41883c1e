-- next_below --
-- Children of kept folders, at most the limit, but what is in the trash by itself and what is kept:
-- that is not read either, however much it is, since node_child has nothing that is in the trash.
SELECT c.node_id, c.kind, q.ord - 1 AS index
  FROM unnest(:node_ids::uuid[]) WITH ORDINALITY AS q (node_id, ord)
 CROSS JOIN LATERAL (
    SELECT n.node_id, n.kind FROM files.node n
     WHERE n.tenant_id = :tenant AND n.parent_id = q.node_id AND n.entry_id IS NULL
     ORDER BY n.name_key LIMIT :limit) c
 LIMIT :limit;

-- all_below --
-- Some folders and all below them, at most the limit, each with the folder that it is below. What is
-- in the trash by itself is not gone through; what an earlier purge keeps is. For the order of
-- children see ``below``.
WITH RECURSIVE down AS (
    SELECT q.node_id AS top, q.node_id, FALSE AS is_by_itself
      FROM unnest(:node_ids::uuid[]) AS q (node_id)
    UNION ALL
    SELECT d.top, c.node_id, c.is_by_itself
      FROM down d
     CROSS JOIN LATERAL (
        SELECT n.node_id,
               (SELECT TRUE FROM files.trash_entry e
                 WHERE e.tenant_id = :tenant AND e.entry_id = n.entry_id) IS NOT NULL
                 AS is_by_itself
          FROM files.node n
         WHERE n.tenant_id = :tenant AND n.parent_id = d.node_id
         ORDER BY n.name_key NULLS FIRST LIMIT :limit) c
     WHERE NOT d.is_by_itself
)
SELECT top, node_id, is_by_itself FROM down LIMIT :limit;

-- keep --
-- It stays in the trash, without an entry, for as long as there is something to be kept below. The
-- purge is an event of the folder, with its next revision.
UPDATE files.node SET revision = revision + 1 WHERE tenant_id = :tenant AND node_id = :node_id;

-- keep_below --
-- In the trash without an entry, as the kept folder that they are in.
UPDATE files.node k
   SET entry_id = (SELECT p.entry_id FROM files.node p
                    WHERE p.tenant_id = :tenant AND p.node_id = k.parent_id)
 WHERE k.tenant_id = :tenant AND k.node_id = ANY(:node_ids::uuid[]);

-- drop_empty --
-- Folders that were kept for what was below them, and have nothing left but what goes with them here.
-- No EXISTS: PostgreSQL may answer those from the tenant's whole trash, or all that waits to be
-- removed. For the order of children see ``below``.
WITH RECURSIVE up AS (
    SELECT q.node_id, 0 AS going, NULL::uuid AS gone
      FROM unnest(:node_ids::uuid[]) AS q (node_id)
    UNION ALL
    SELECT k.parent_id, 1, k.node_id
      FROM up
     CROSS JOIN LATERAL (
        SELECT n.node_id, n.parent_id FROM files.node n
         WHERE n.tenant_id = :tenant AND n.node_id = up.node_id AND n.entry_id IS NOT NULL
           AND (SELECT TRUE FROM files.trash_entry e
                 WHERE e.tenant_id = :tenant AND e.entry_id = n.entry_id) IS NULL
           AND (SELECT TRUE FROM files.purge q
                 WHERE q.tenant_id = :tenant AND q.node_id = n.node_id) IS NULL
           AND (SELECT count(*) FROM (
                SELECT FROM files.node c
                 WHERE c.tenant_id = :tenant AND c.parent_id = n.node_id
                 ORDER BY c.name_key NULLS FIRST LIMIT 2) children) = up.going
         LIMIT 1) k
)
DELETE FROM files.node
 WHERE tenant_id = :tenant
   AND node_id = ANY(ARRAY(SELECT gone FROM up WHERE gone IS NOT NULL))
RETURNING node_id, parent_id;

-- subtree_bytes --
-- The bytes of every version below a node, trashed ones too: read only when the space changes. And
-- how many nodes or versions were read, at most the limit.
WITH RECURSIVE down AS (
    SELECT :node_id::uuid AS node_id
    UNION ALL
    SELECT n.node_id FROM down d
     CROSS JOIN LATERAL (
        SELECT c.node_id FROM files.node c
         WHERE c.tenant_id = :tenant AND c.parent_id = d.node_id OFFSET 0) n
), sizes AS (
    SELECT v.size FROM down
      LEFT JOIN LATERAL (
        SELECT size FROM files.version a
         WHERE a.tenant_id = :tenant AND a.node_id = down.node_id OFFSET 0) v ON TRUE
     LIMIT :limit
)
SELECT count(*) AS read, coalesce(sum(size), 0)::bigint AS bytes FROM sizes;

-- carry --
-- What is in the trash below a node belongs to the node's space, with its bytes; and so does what is
-- still to be removed below a kept folder.
WITH RECURSIVE down AS (
    SELECT n.node_id FROM files.node n WHERE n.tenant_id = :tenant AND n.node_id = :node_id
    UNION ALL
    SELECT n.node_id FROM down d
     CROSS JOIN LATERAL (
        SELECT c.node_id FROM files.node c
         WHERE c.tenant_id = :tenant AND c.parent_id = d.node_id OFFSET 0) n
), entries AS (
    UPDATE files.trash_entry e SET space_id = :space_id
     WHERE e.ctid = ANY(ARRAY(
        SELECT t.at FROM down
         CROSS JOIN LATERAL (
            SELECT ctid AS at FROM files.trash_entry a
             WHERE a.tenant_id = :tenant AND a.node_id = down.node_id OFFSET 0) t))
)
UPDATE files.purge p SET space_id = :space_id
 WHERE p.ctid = ANY(ARRAY(
    SELECT t.at FROM down
     CROSS JOIN LATERAL (
        SELECT ctid AS at FROM files.purge a
         WHERE a.tenant_id = :tenant AND a.node_id = down.node_id OFFSET 0) t));
