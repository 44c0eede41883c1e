-- hold_node --
-- Two grants on one node are given one after the other, so that their number can be limited.
SELECT pg_advisory_xact_lock(hashtextextended(
    'sharing/' || :tenant::uuid::text || '/' || :node_id::uuid::text, 0));

-- grants_on --
SELECT * FROM sharing.granted
 WHERE tenant_id = :tenant AND node_id = :node_id
 ORDER BY grantee_id;

-- said_on --
-- All that is said on the nodes of a way.
SELECT * FROM sharing.granted
 WHERE tenant_id = :tenant AND node_id = ANY(:node_ids::uuid[])
 ORDER BY grantee_kind, grantee_id;

-- put_grant --
-- A restriction on the same node stays.
INSERT INTO sharing.granted AS g (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                  rights, granted_by, granted_at)
VALUES (:tenant, :node_id, :grantee_id, :kind, :grant_id, :role, :rights, :user_id, :now)
ON CONFLICT (tenant_id, node_id, grantee_id) DO UPDATE
   SET role = excluded.role, rights = excluded.rights | (g.rights & :stop::int),
       granted_by = excluded.granted_by, granted_at = excluded.granted_at,
       revision = g.revision + 1
RETURNING *;

-- drop_grant --
DELETE FROM sharing.granted
 WHERE tenant_id = :tenant AND node_id = :node_id AND grantee_id = :grantee_id
RETURNING *;

-- put_restriction --
INSERT INTO sharing.granted AS g (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                  rights, granted_by, granted_at)
VALUES (:tenant, :node_id, :everyone, 'everyone', :grant_id, NULL, :stop, :user_id, :now)
ON CONFLICT (tenant_id, node_id, grantee_id) DO UPDATE
   SET rights = g.rights | :stop::int, revision = g.revision + 1
RETURNING *;

-- restrict_new --
-- Folders that are made by this transaction: nothing is said on them yet.
INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role, rights,
                             granted_by, granted_at)
SELECT :tenant, n.node_id, :everyone, 'everyone', n.grant_id, NULL, :stop, :user_id, :now
  FROM unnest(:node_ids::uuid[], :grant_ids::uuid[]) AS n (node_id, grant_id);

-- keep_only --
-- What is left of the row that says something of everyone.
UPDATE sharing.granted SET role = :role, rights = :rights, revision = revision + 1
 WHERE tenant_id = :tenant AND node_id = :node_id AND grantee_id = :grantee_id
RETURNING *;

-- shared_with --
-- One page by node id: of each grantee no more than a page is read.
SELECT node_id, bit_or(rights) AS rights,
       (array_agg(granted_by ORDER BY granted_at DESC))[1] AS granted_by
  FROM (SELECT s.node_id, s.rights, s.granted_by, s.granted_at
          FROM unnest((SELECT :grantees::uuid[])) AS w (grantee_id)
         CROSS JOIN LATERAL (
            SELECT node_id, rights, granted_by, granted_at FROM sharing.granted a
             WHERE a.tenant_id = :tenant AND a.grantee_id = w.grantee_id
               AND a.role IS NOT NULL AND a.node_id > :after
             ORDER BY node_id LIMIT :limit) s) AS found
 GROUP BY node_id ORDER BY node_id LIMIT :limit;

-- forget_node --
DELETE FROM sharing.granted WHERE tenant_id = :tenant AND node_id = :node_id;

-- note_departed --
INSERT INTO sharing.departed (tenant_id, grantee_id, gone_at)
VALUES (:tenant, :grantee_id, :gone_at)
ON CONFLICT DO NOTHING;

-- forget_grantee --
-- A slice of what somebody was given.
DELETE FROM sharing.granted
 WHERE tenant_id = :tenant AND grantee_id = :grantee_id AND role IS NOT NULL
   AND node_id = ANY(ARRAY(
    SELECT node_id FROM sharing.granted
     WHERE tenant_id = :tenant AND grantee_id = :grantee_id AND role IS NOT NULL
     ORDER BY node_id LIMIT :limit));
