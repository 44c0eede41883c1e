-- kept_above --
-- A folder and those below it that lead to what was put in the trash by itself, the topmost of that
-- left out; none, if there is no such thing. A folder of few nodes is looked through, so that emptying
-- a trash of many does not read all of it for each. Else from the space's entries up, each folder
-- once: what else is in the folder is not read, however much it is.
WITH RECURSIVE below AS (
    SELECT :node_id::uuid AS node_id, FALSE AS is_by_itself
    UNION ALL
    SELECT c.node_id, c.is_by_itself
      FROM below d
     CROSS JOIN LATERAL (
        SELECT a.node_id, a.entry_id IS NOT NULL AS is_by_itself FROM files.node a
         WHERE a.tenant_id = :tenant AND a.parent_id = d.node_id
         ORDER BY a.name_key NULLS FIRST LIMIT :few) c
), near AS (
    SELECT count(*) > :few OR bool_or(is_by_itself) AS may_hold
      FROM (SELECT is_by_itself FROM below LIMIT :few + 1) seen
), up AS (
    SELECT n.node_id, n.parent_id, n.entry_id
      FROM (SELECT node_id FROM files.trash_entry
             WHERE (SELECT may_hold FROM near)
               AND tenant_id = :tenant AND space_id = :space_id AND node_id <> :node_id OFFSET 0) e
     CROSS JOIN LATERAL (
        SELECT * FROM files.node a
         WHERE a.tenant_id = :tenant AND a.node_id = e.node_id LIMIT 1) n
    UNION
    SELECT p.node_id, p.parent_id, p.entry_id
      FROM up
     CROSS JOIN LATERAL (
        SELECT * FROM files.node a
         WHERE a.tenant_id = :tenant AND a.node_id = up.parent_id LIMIT 1) p
     WHERE up.node_id <> :node_id
), down AS (
    SELECT up.node_id FROM up WHERE up.node_id = :node_id
    UNION ALL
    SELECT up.node_id FROM down d JOIN up ON up.parent_id = d.node_id AND up.entry_id IS NULL
)
SELECT node_id FROM down;

-- keep --
-- They stay in the trash, without an entry, for as long as there is something to be kept below. The
-- purge is an event of the folder that had the entry, with its next revision.
UPDATE files.node SET entry_id = :entry_id, revision = revision + (node_id = :node_id)::int
 WHERE tenant_id = :tenant AND node_id = ANY(:node_ids::uuid[]);

-- drop_empty --
-- Folders that were kept for what was below them, and have nothing left. No EXISTS: PostgreSQL may
-- answer those from the tenant's whole trash, or all that waits to be removed. For the child's
-- order see ``below``.
DELETE FROM files.node k
 WHERE k.tenant_id = :tenant AND k.node_id = ANY(:node_ids::uuid[]) AND k.entry_id IS NOT NULL
   AND (SELECT TRUE FROM files.trash_entry e
         WHERE e.tenant_id = :tenant AND e.entry_id = k.entry_id) IS NULL
   AND (SELECT TRUE FROM files.node c
         WHERE c.tenant_id = :tenant AND c.parent_id = k.node_id
         ORDER BY c.name_key NULLS FIRST LIMIT 1) IS NULL
   AND (SELECT TRUE FROM files.purge q
         WHERE q.tenant_id = :tenant AND q.node_id = k.node_id) IS NULL
RETURNING k.parent_id;

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
