-- On a young table, before its first ANALYZE, PostgreSQL finds every index that starts with
-- tenant_id equally good for a lookup by primary key, and may read the whole tenant through one.
-- With these conditions, which hold for every row worth finding, an index serves only statements
-- that give its second column.

DROP INDEX files.node_parent;
CREATE INDEX node_parent ON files.node (tenant_id, parent_id) WHERE parent_id IS NOT NULL;

DROP INDEX files.version_hash;
CREATE INDEX version_hash ON files.version (tenant_id, hash) WHERE hash IS NOT NULL;

DROP INDEX files.trash_space;
CREATE INDEX trash_space ON files.trash_entry (tenant_id, space_id, entry_id)
    WHERE space_id IS NOT NULL;

DROP INDEX files.trash_node;
CREATE INDEX trash_node ON files.trash_entry (tenant_id, node_id) WHERE node_id IS NOT NULL;
