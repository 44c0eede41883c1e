-- What was said of a node (its grants, links) has the node beside it; by which credential something
-- was done, and whether an operator of the platform did it. The policies hold for the owner too.
ALTER TABLE audit.entry
    ADD COLUMN node_id uuid,
    ADD COLUMN credential_id uuid,
    ADD COLUMN by_operator boolean NOT NULL DEFAULT FALSE;

ALTER TABLE audit.entry NO FORCE ROW LEVEL SECURITY;
UPDATE audit.entry SET node_id = (detail->>'node_id')::uuid
 WHERE split_part(kind, '.', 1) = 'share' AND detail->>'node_id' IS NOT NULL;
ALTER TABLE audit.entry FORCE ROW LEVEL SECURITY;

CREATE INDEX entry_node ON audit.entry (tenant_id, node_id, at, seq) WHERE node_id IS NOT NULL;
