-- A name is looked up in a folder's live nodes (node_child), a subtree walked over all its nodes
-- (node_parent). Where the index over names is the deeper one, PostgreSQL takes node_parent for the
-- lookup, finds both equally selective on a young table, and reads the whole folder. With the name
-- in both, a lookup reads one entry of whichever it takes.

DROP INDEX files.node_parent;
CREATE INDEX node_parent ON files.node (tenant_id, parent_id, name_key) WHERE parent_id IS NOT NULL;
