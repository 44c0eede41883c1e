-- Who may share a node is decided by rows of two rooms. Whoever writes what only such people may
-- write looks at these rows and holds them until the commit: a role that is being taken back is
-- waited for, and not acted on (ADR-0018). A restriction need not be looked at, for whoever may
-- share is not held by one.

-- hold_tree --
-- The files room's tree lock, shared: no node goes elsewhere meanwhile.
SELECT pg_advisory_xact_lock_shared(hashtextextended('files/' || :tenant::uuid::text, 0));

-- way_up --
-- From a node to its root: the nodes, the space, and whether any of them is in the trash.
WITH RECURSIVE up AS (
    SELECT n.node_id, n.parent_id, n.space_id, n.entry_id, 0 AS depth
      FROM files.node n
     WHERE n.tenant_id = :tenant AND n.node_id = :node_id
    UNION ALL
    SELECT p.node_id, p.parent_id, p.space_id, p.entry_id, up.depth + 1
      FROM up
     CROSS JOIN LATERAL (
        SELECT * FROM files.node a
         WHERE a.tenant_id = :tenant AND a.node_id = up.parent_id LIMIT 1) p
     WHERE up.depth < 1001
)
SELECT array_agg(node_id) AS ids, max(space_id::text)::uuid AS space_id,
       bool_or(entry_id IS NOT NULL) AS is_trashed
  FROM up;

-- hold_owner --
SELECT space_id FROM files.space
 WHERE tenant_id = :tenant AND space_id = :space_id AND owner_id = :user_id AND kind = 'personal'
   FOR SHARE;

-- hold_manager --
SELECT role FROM files.member
 WHERE tenant_id = :tenant AND space_id = :space_id AND user_id = :user_id AND role = 'manager'
   FOR SHARE;

-- hold_grants --
SELECT node_id FROM sharing.granted
 WHERE tenant_id = :tenant AND node_id = ANY(:ids::uuid[]) AND grantee_id = ANY(:grantees::uuid[])
   AND role = 'manager'
 ORDER BY node_id, grantee_id FOR SHARE;
