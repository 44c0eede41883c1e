-- templates --
SELECT kind, node_id FROM files.template WHERE tenant_id = :tenant ORDER BY kind;

-- template_of --
SELECT node_id FROM files.template WHERE tenant_id = :tenant AND kind = :kind;

-- put_template --
INSERT INTO files.template (tenant_id, kind, node_id) VALUES (:tenant, :kind, :node_id)
ON CONFLICT (tenant_id, kind) DO UPDATE SET node_id = excluded.node_id;

-- drop_template --
DELETE FROM files.template WHERE tenant_id = :tenant AND kind = :kind RETURNING kind;
