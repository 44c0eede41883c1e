-- A kept folder's children that are not in the trash (ADR-0032), by name, come from node_child. On a
-- young table PostgreSQL finds node_parent equally good, and would read all that is in the trash
-- there, too. A name is never null, so the order is the same in both indexes; but each serves only
-- the statements that ask for it in its own words.

DROP INDEX files.node_parent;
CREATE INDEX node_parent ON files.node (tenant_id, parent_id, name_key NULLS FIRST)
    WHERE parent_id IS NOT NULL;
