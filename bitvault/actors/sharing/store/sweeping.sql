-- said_after, across tenants --
-- The nodes that the next rows say something of, and which of them are gone.
SELECT p.tenant_id, p.node_id, n.is_there IS NULL AS is_lost
  FROM (SELECT tenant_id, node_id FROM sharing.granted
         WHERE (tenant_id, node_id) > (:tenant_id::uuid, :node_id::uuid)
         ORDER BY tenant_id, node_id LIMIT :limit) p
  LEFT JOIN LATERAL (
    SELECT TRUE AS is_there FROM files.node a
     WHERE a.tenant_id = p.tenant_id AND a.node_id = p.node_id LIMIT 1) n ON TRUE
 ORDER BY p.tenant_id, p.node_id;

-- linked_after, across tenants --
-- The same of links: a revoked one grants nothing.
SELECT p.tenant_id, p.node_id, n.is_there IS NULL AS is_lost
  FROM (SELECT tenant_id, node_id FROM sharing.link
         WHERE (tenant_id, node_id) > (:tenant_id::uuid, :node_id::uuid) AND node_id IS NOT NULL
         ORDER BY tenant_id, node_id LIMIT :limit) p
  LEFT JOIN LATERAL (
    SELECT TRUE AS is_there FROM files.node a
     WHERE a.tenant_id = p.tenant_id AND a.node_id = p.node_id LIMIT 1) n ON TRUE
 ORDER BY p.tenant_id, p.node_id;

-- forget_nodes --
DELETE FROM sharing.granted WHERE tenant_id = :tenant AND node_id = ANY(:node_ids::uuid[]);

-- forget_links --
DELETE FROM sharing.link WHERE tenant_id = :tenant AND node_id = ANY(:node_ids::uuid[]);

-- departed, across tenants --
-- Who was deleted before then, the first ones first.
SELECT tenant_id, grantee_id FROM sharing.departed
 WHERE gone_at < :before ORDER BY gone_at LIMIT :limit;

-- drop_departed --
DELETE FROM sharing.departed WHERE tenant_id = :tenant AND grantee_id = :grantee_id;
